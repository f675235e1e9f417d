import { addon } from './addon';

// The write end is this process's alone: when it is gone, however, its children are told. Never closed.
let pipe: readonly [readEnd: number, writeEnd: number] | undefined;

/** The end of this thread's life pipe that its children and its forkserver watch. */
export function lifeReadEnd(): number {
  return (pipe ??= addon.createPipe())[0];
}
