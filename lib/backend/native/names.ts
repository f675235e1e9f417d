import { ExistsError } from '../../errors';
import { whenForked } from '../../forked';
import { addon } from './addon';
import { memoryFailure } from './memory-failure';

/** Files by the descriptor with which this process uses them. */
const kept = new Map<number, string>();
let atExit = false;

function giveUpAtExit(): void {
  process.on('exit', () => {
    for (const [open, name] of kept) addon.giveUpName(open, name);
  });
}

whenForked(() => {
  if (atExit) giveUpAtExit(); // listeners were the parent's
});

/** From now on the name goes with this process, if nobody else has it then. */
export function keep(file: string, descriptor: number): void {
  if (!atExit) giveUpAtExit();
  atExit = true;
  kept.set(descriptor, file);
}

/** The descriptor has been closed: if it was the last one of all, the name goes. */
export function letGo(file: string, descriptor: number): void {
  kept.delete(descriptor);
  addon.removeNameIfUnused(file);
}

/** Something that unrelated programs find by its name. Things of another kind may have the same one. */
export interface Naming {
  readonly what: 'queue' | 'lock' | 'semaphore';
  readonly name: string;
}

export const fileOf = ({ what, name }: Naming) => `${what}.${name}`;

/**
 * A descriptor of the file of this name. It is made unless somebody uses it: what a program left that was killed is
 * nobody's, and makes way.
 */
export function openOrCreate(naming: Naming, exclusive: boolean, create: (file: string) => number): number {
  const file = fileOf(naming);
  for (;;) {
    try {
      return create(file);
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code !== 'EEXIST') throw failureOf(error, naming);
      if (exclusive) {
        throw new ExistsError(
          `expected the name ${JSON.stringify(naming.name)} to be free, but a ${naming.what} of that name is in use; ` +
            'leave out exclusive to use it, or choose another name',
          { cause: error },
        );
      }
    }
    try {
      return addon.openNamedFile(file);
    } catch (error) {
      // Its last user has left in between.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw failureOf(error, naming);
    }
  }
}

export function failureOf(error: unknown, { what, name }: Naming): unknown {
  const request = { what: `a named ${what}`, kind: 0, name };
  return memoryFailure(error as NodeJS.ErrnoException, request, 2 ** 21);
}
