import { ClosedError, CorruptError, DescriptorError, FullError, UnsupportedError } from '../../errors';
import { Status } from './addon';

/** The error behind a status that is neither success nor a reason to wait. */
export function failure(status: number, length = 0): Error {
  switch (status) {
    case Status.NoMemory:
      return new FullError(
        `expected memory for a message of ${length} bytes, but growing the queue would exceed what the machine or the ` +
          'memory cgroup has left; receive messages first, or bound the queue with maxsize or capacity',
      );
    case Status.TooLarge:
      return new FullError(
        `expected a message that fits the ring (at most 4 GiB less 1 MiB), got ${length} bytes; send it in parts`,
      );
    case Status.Corrupt:
      return new CorruptError(
        'the shared memory of this object was overwritten by something else than this library; ' +
          'it refuses further use: create a new one',
      );
    case Status.Shut:
      return new ClosedError(
        'expected a queue that is in use, but it was shut down: it takes no more messages, and nothing is left in it',
      );
    case Status.Crowded:
      return new UnsupportedError(
        'expected at most 1023 processes that take messages from one JoinableQueue at a time, or died with messages ' +
          'unfinished, but this is another one; use several queues',
      );
    case Status.Descriptors:
      return new DescriptorError(
        'expected room for the file descriptors of the handles in this message, but this process, or its user, has as ' +
          'many as the limit allows; nothing was sent or taken: raise the limit (ulimit -n), or close handles',
      );
    default:
      return new CorruptError(`the addon answered with status ${status}, which does not belong to this call`);
  }
}
