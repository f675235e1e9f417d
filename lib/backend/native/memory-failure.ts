import {
  CorruptError,
  ExistsError,
  InvalidArgumentError,
  MemoryError,
  NotFoundError,
  UnsupportedError,
} from '../../errors';
import type { MemoryRequest } from '../backend';

/** What a system error means to somebody who wanted shared memory. */
export function memoryFailure(error: NodeJS.ErrnoException, request: MemoryRequest, bytes: number): unknown {
  const { what } = request;
  const name = JSON.stringify(request.name ?? '');
  const cause = { cause: error };
  switch (error.code) {
    case 'ENOMEM':
      return new MemoryError(
        `${what} needs ${bytes} bytes of memory, more than the machine or the memory cgroup has left beside a reserve ` +
          'of 32 MiB; ask for less, or give memory back first',
        cause,
      );
    case 'ENOSPC':
      return new MemoryError(
        `${what} needs ${bytes} bytes in /dev/shm, which has less room; make it larger (docker: --shm-size), or do ` +
          'without a name: nameless memory is not bound by it',
        cause,
      );
    case 'EROFS':
      return new UnsupportedError(
        `${what}: names are kept in /dev/shm, which is read-only here; mount a tmpfs there (docker: --tmpfs /dev/shm), or ` +
          'do without a name',
        cause,
      );
    case 'EMFILE':
    case 'ENFILE':
      return new MemoryError(
        `${what} needs a descriptor, but ${error.message}; raise the limit (ulimit -n), close() what is not needed, or ` +
          'keep many numbers in one SharedArray',
        cause,
      );
    case 'EEXIST':
      return new ExistsError(
        `${what}: the name ${name} is in use; attach to it (create: false), choose another one, or unlink() it first`,
        cause,
      );
    case 'EBUSY':
      return new ExistsError(
        `${what}: another process was stopped in the middle of removing the name ${name}; let it go on (SIGCONT), or ` +
          'end it',
        cause,
      );
    case 'ENOENT':
      return new NotFoundError(
        `${what}: nobody uses shared memory of the name ${name}; create it first (create: true), and keep it open: a name goes with ` +
          'its last user',
        cause,
      );
    case 'ENAMETOOLONG':
      return new InvalidArgumentError(`${what}: the name ${name} is too long`, cause);
    case 'EPERM':
    case 'EACCES':
      return new UnsupportedError(
        `${what}: names are kept in /dev/shm/forkful-${process.geteuid?.() ?? ''}, which must be a directory of this ` +
          `user alone (mode 700) with files of mode 600, but ${error.message}; remove what is there`,
        cause,
      );
    case 'EPROTO':
      return new CorruptError(
        `${what}: expected shared memory of this version of the library, found something else`,
        cause,
      );
    case 'EOPNOTSUPP':
    case 'ENOTSUP':
      return new UnsupportedError(`${what} cannot have shared memory here: ${error.message}`, cause);
    default:
      return error;
  }
}
