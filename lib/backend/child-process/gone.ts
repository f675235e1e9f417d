import { BrokenPipeError } from '../../errors';

export function hubGone(cause?: unknown): BrokenPipeError {
  return new BrokenPipeError(
    'expected the main process, which serves all queues, pipes and locks of this backend, but it has ended',
    cause === undefined ? {} : { cause },
  );
}
