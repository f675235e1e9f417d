import { ExistsError } from '../../errors';
import type { ChannelOptions } from '../backend';
import { addon } from './addon';
import { RING_BYTES } from './layout';
import { memoryFailure } from './memory-failure';

/** Files by the descriptor with which this process uses them. */
const kept = new Map<number, string>();
let atExit = false;

/** From now on the name goes with this process, if nobody else has it then. */
export function keep(file: string, descriptor: number): void {
  if (!atExit) {
    process.on('exit', () => {
      for (const [open, name] of kept) addon.giveUpName(open, name);
    });
  }
  atExit = true;
  kept.set(descriptor, file);
}

/** The descriptor has been closed: if it was the last one of all, the name goes. */
export function letGo(file: string, descriptor: number): void {
  kept.delete(descriptor);
  addon.removeNameIfUnused(file);
}

/** Locks and memory of the same name are something else. */
export const ringFile = (name: string) => `queue.${name}`;

/**
 * A descriptor of the ring of this name. It is made unless somebody uses it: what a program left that was killed is
 * nobody's, and makes way.
 */
export function openOrCreate(name: string, exclusive: boolean, options: ChannelOptions): number {
  const file = ringFile(name);
  for (;;) {
    try {
      return addon.createNamedRing(file, { dataBytes: RING_BYTES, ...options });
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EEXIST') throw failureOf(error, name);
      if (exclusive) {
        throw new ExistsError(
          `expected the name ${JSON.stringify(name)} to be free, but a queue of that name is in use; leave out ` +
            'exclusive to use it, or choose another name',
          { cause: error },
        );
      }
    }
    try {
      return addon.openNamedRing(file);
    } catch (error) {
      // Its last user has left in between.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw failureOf(error, name);
    }
  }
}

export function failureOf(error: unknown, name: string): unknown {
  return memoryFailure(error as NodeJS.ErrnoException, { what: 'a named queue', kind: 0, name }, 2 ** 21);
}
