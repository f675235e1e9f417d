import { backend } from '../backend';
import { registerHandleType } from '../handles';
import { flag, record } from '../options';
import { decodeMessage } from '../user-message';
import { Connection } from './connection';
import { End } from './end';

/** In which directions a pipe goes. */
export interface PipeOptions {
  /** false: the first end only receives, the second only sends. @default true */
  readonly duplex?: boolean;
}

/**
 * Two connected ends: what one sends the other receives. Pass one as an argument of a {@link Process}, then close it
 * here.
 */
export function Pipe<A = unknown, B = A>(options?: PipeOptions): [Connection<A, B>, Connection<B, A>] {
  const given = record('Pipe options', options, ['duplex']);
  const duplex = given.duplex === undefined || flag('Pipe option "duplex"', given.duplex);
  const [a, b] = backend.createDuplex<unknown>(decodeMessage);
  return [new Connection(new End(a, true, duplex)), new Connection(new End(b, duplex, true))];
}

registerHandleType('Connection', (share, { readable, writable }) => {
  const duplex = backend.openDuplex<unknown>(share, decodeMessage);
  return new Connection(new End(duplex, readable === true, writable === true));
});
