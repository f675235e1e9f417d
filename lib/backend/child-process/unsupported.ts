import { UnsupportedError } from '../../errors';

/** What processes of pure Node cannot have in common: memory. */
export function noSharedMemory(what: string): never {
  throw new UnsupportedError(
    `expected a backend that can share memory, for ${what}, but this program uses the child_process backend; ` +
      'backend().reason tells why. Send values through a Queue or a Pipe instead',
  );
}
