import type { Child, Decode, LaunchRequest } from '../backend';
import { Birth } from './birth';
import { forkserverFor } from './forkserver/client';

/** Starts a child; by a forkserver its pid comes later. */
export function launch<T>(request: LaunchRequest, decode: Decode<T>): Child<T> {
  const birth = new Birth(request, decode);
  if (request.method === 'forkserver') forkserverFor(request.execArgv).start(birth);
  else birth.spawn();
  return birth.child;
}
