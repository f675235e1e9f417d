import { whenForked } from '../../forked';
import { addon } from './addon';
import { credentials } from './credentials';

// A write end is this process's alone: when it is gone, however, its children are told. Never closed. Who has given up
// privileges needs another one, since its children could not open the old one anew.
const pipes = new Map<string, readonly [readEnd: number, writeEnd: number]>();

whenForked(() => {
  // Or the parent's end would not be noticed as long as this process lives. Who watches a read end closes it.
  for (const [, writeEnd] of pipes.values()) addon.closeDescriptors([writeEnd]);
  pipes.clear();
});

/** The end of this thread's life pipe that its children and its forkserver watch. */
export function lifeReadEnd(): number {
  const owner = credentials();
  let pipe = pipes.get(owner);
  if (pipe === undefined) pipes.set(owner, (pipe = addon.createPipe()));
  return pipe[0];
}
