import { TimeoutError, WorkerLostError } from '../../errors';

/** An error of the farm itself, told apart by its `type`. */
export class FarmError extends Error {
  readonly type: 'TimeoutError' | 'ProcessTerminatedError' | 'MaxConcurrentCallsError';

  constructor(type: FarmError['type'], message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.type = type;
    Object.defineProperty(this, 'name', { value: type, configurable: true, writable: true });
  }
}

/** What worker-farm would say of what the pool says. */
export function asFarms(error: unknown, retries: number): unknown {
  if (error instanceof TimeoutError) return new FarmError('TimeoutError', 'worker call timed out!', error);
  if (error instanceof WorkerLostError)
    return new FarmError('ProcessTerminatedError', `cancel after ${retries} retries!`, error);
  return error;
}
