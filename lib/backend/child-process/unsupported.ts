import { UnsupportedError } from '../../errors';

/** What processes of pure Node cannot have in common: memory. */
export function noSharedMemory(what: string): never {
  throw new UnsupportedError(
    `expected a backend that can share memory, for ${what}, but this program uses the child_process backend; ` +
      'backend().reason tells why. Send values through a Queue or a Pipe instead',
  );
}

/** What unrelated programs cannot find: the hub is one program's own. */
export function noNames(what: string): never {
  throw new UnsupportedError(
    `expected a backend with ${what} for unrelated programs, but this program uses the child_process backend, whose ` +
      'queues and locks are its own; backend().reason tells why. Use a socket, or a file',
  );
}
