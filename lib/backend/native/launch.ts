import type { Child, Decode, LaunchRequest } from '../backend';
import { Birth } from './birth';
import { forkHere } from './fork/here';
import { forkserverFor } from './forkserver/client';

/** Starts a child; unless it is spawned its pid comes later. */
export function launch<T>(request: LaunchRequest, decode: Decode<T>): Child<T> {
  const birth = new Birth(request, decode);
  if (request.fork !== undefined) void forkHere(birth as unknown as Birth<never>, request.fork);
  else if (request.method === 'forkserver') forkserverFor(request).start(birth);
  else birth.spawn();
  return birth.child;
}
