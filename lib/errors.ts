/** Fields that an error carries beside its message. */
export interface ErrorDetails {
  /** The error behind it. */
  readonly cause?: unknown;
}

/** The base of every error of this library. Each subclass has a stable `code` and a heading in docs/errors.md. */
export class ForkfulError extends Error {
  /** Stable; each subclass has its own. */
  readonly code: string = 'ERR_FORKFUL';

  constructor(message: string, details: ErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    // On the prototype would be enough, but an own, hidden property survives inspection across realms.
    Object.defineProperty(this, 'name', { value: new.target.name, configurable: true, writable: true });
  }
}

/** The time given to an operation is over; nothing was taken or sent. */
export class TimeoutError extends ForkfulError {
  /** `ERR_FORKFUL_TIMEOUT` */
  override readonly code: string = 'ERR_FORKFUL_TIMEOUT';
}

/** A get found the queue empty within its time. */
export class EmptyError extends ForkfulError {
  /** `ERR_FORKFUL_EMPTY` */
  override readonly code: string = 'ERR_FORKFUL_EMPTY';
}

/** A put found no room within its time, or no memory. */
export class FullError extends ForkfulError {
  /** `ERR_FORKFUL_FULL` */
  override readonly code: string = 'ERR_FORKFUL_FULL';
}

/** The object was closed in this process. */
export class ClosedError extends ForkfulError {
  /** `ERR_FORKFUL_CLOSED` */
  override readonly code: string = 'ERR_FORKFUL_CLOSED';
}

/** The other end of a pipe is gone and everything it sent has been received. */
export class EndOfFileError extends ForkfulError {
  /** `ERR_FORKFUL_END_OF_FILE` */
  override readonly code: string = 'ERR_FORKFUL_END_OF_FILE';
}

/** The other end of a pipe is gone: nobody would receive. */
export class BrokenPipeError extends ForkfulError {
  /** `ERR_FORKFUL_BROKEN_PIPE` */
  override readonly code: string = 'ERR_FORKFUL_BROKEN_PIPE';
}

/** A received message is longer than what it was to be received into, or than the limit. */
export class BufferTooShortError extends ForkfulError {
  /** `ERR_FORKFUL_BUFFER_TOO_SHORT` */
  override readonly code: string = 'ERR_FORKFUL_BUFFER_TOO_SHORT';
  /** The message, whole. */
  readonly data: Buffer;

  constructor(message: string, details: ErrorDetails & { readonly data?: Buffer } = {}) {
    super(message, details);
    this.data = details.data ?? Buffer.alloc(0);
  }
}

/** A process took messages from a JoinableQueue and ended before it was done with them. */
export class ConsumerLostError extends ForkfulError {
  /** `ERR_FORKFUL_CONSUMER_LOST` */
  override readonly code: string = 'ERR_FORKFUL_CONSUMER_LOST';
  /** Its process; 0 if it is not known. */
  readonly pid: number;
  /** How many messages it had taken without a `taskDone()`. */
  readonly unfinished: number;

  constructor(
    message: string,
    details: ErrorDetails & { readonly pid?: number; readonly unfinished?: number } = {},
  ) {
    super(message, details);
    this.pid = details.pid ?? 0;
    this.unfinished = details.unfinished ?? 0;
  }
}

/** Not all parties of a barrier came, or will come. */
export class BrokenBarrierError extends ForkfulError {
  /** `ERR_FORKFUL_BROKEN_BARRIER` */
  override readonly code: string = 'ERR_FORKFUL_BROKEN_BARRIER';
  /** 'aborted', 'reset', 'timeout', 'died' or 'action'. */
  readonly reason: string;

  constructor(message: string, details: ErrorDetails & { readonly reason?: string } = {}) {
    super(message, details);
    this.reason = details.reason ?? 'aborted';
  }
}

/** A value, or bytes from elsewhere, cannot be turned into the other. */
export class SerializationError extends ForkfulError {
  /** `ERR_FORKFUL_SERIALIZATION` */
  override readonly code: string = 'ERR_FORKFUL_SERIALIZATION';
  /** Where in the value, e.g. `args[0].callback`. */
  readonly path: string;

  constructor(message: string, details: ErrorDetails & { readonly path?: string } = {}) {
    super(message, details);
    this.path = details.path ?? '';
  }
}

/** A function cannot be named so that another process finds it. */
export class FunctionReferenceError extends ForkfulError {
  /** `ERR_FORKFUL_FUNCTION_REFERENCE` */
  override readonly code: string = 'ERR_FORKFUL_FUNCTION_REFERENCE';
}

/** An argument or option is of the wrong type or out of range. */
export class InvalidArgumentError extends ForkfulError {
  /** `ERR_FORKFUL_INVALID_ARGUMENT` */
  override readonly code: string = 'ERR_FORKFUL_INVALID_ARGUMENT';
}

/** The object is not in a state that allows the call. */
export class InvalidStateError extends ForkfulError {
  /** `ERR_FORKFUL_INVALID_STATE` */
  override readonly code: string = 'ERR_FORKFUL_INVALID_STATE';
}

/** A process was created while a child was still importing its modules. */
export class BootstrapError extends ForkfulError {
  /** `ERR_FORKFUL_BOOTSTRAP` */
  override readonly code: string = 'ERR_FORKFUL_BOOTSTRAP';
}

/** A process could not be started. */
export class LaunchError extends ForkfulError {
  /** `ERR_FORKFUL_LAUNCH` */
  override readonly code: string = 'ERR_FORKFUL_LAUNCH';
  /** The system's code, such as 'EAGAIN'. */
  readonly errno: string;

  constructor(message: string, details: ErrorDetails & { readonly errno?: string } = {}) {
    super(message, details);
    this.errno = details.errno ?? '';
  }
}

/** There is not enough memory for what was asked for. */
export class MemoryError extends ForkfulError {
  /** `ERR_FORKFUL_MEMORY` */
  override readonly code: string = 'ERR_FORKFUL_MEMORY';
}

/** Something of this name is there already. */
export class ExistsError extends ForkfulError {
  /** `ERR_FORKFUL_EXISTS` */
  override readonly code: string = 'ERR_FORKFUL_EXISTS';
}

/** There is nothing of this name. */
export class NotFoundError extends ForkfulError {
  /** `ERR_FORKFUL_NOT_FOUND` */
  override readonly code: string = 'ERR_FORKFUL_NOT_FOUND';
}

/** Shared memory was overwritten by something else than this library. */
export class CorruptError extends ForkfulError {
  /** `ERR_FORKFUL_CORRUPT` */
  override readonly code: string = 'ERR_FORKFUL_CORRUPT';
}

/** This platform, backend or start method cannot do what was asked for. */
export class UnsupportedError extends ForkfulError {
  /** `ERR_FORKFUL_UNSUPPORTED` */
  override readonly code: string = 'ERR_FORKFUL_UNSUPPORTED';
}

/** How a process ended. */
export interface ExitDetails extends ErrorDetails {
  /** The process. @default 0 */
  readonly pid?: number;
  /** As of {@link Process}. @default null */
  readonly exitCode?: number | null;
  /** The signal that ended it. @default null */
  readonly signal?: string | null;
}

/** A process ended without giving its result. */
export class ProcessExitError extends ForkfulError {
  /** `ERR_FORKFUL_PROCESS_EXIT` */
  override readonly code: string = 'ERR_FORKFUL_PROCESS_EXIT';
  /** Its process; 0 if it is not known. */
  readonly pid: number;
  /** As {@link Process.exitCode}: the exit code, or minus the signal's number. */
  readonly exitCode: number | null;
  /** The signal that ended it, or null. */
  readonly signal: string | null;

  constructor(message: string, details: ExitDetails = {}) {
    super(message, details);
    this.pid = details.pid ?? 0;
    this.exitCode = details.exitCode ?? null;
    this.signal = details.signal ?? null;
  }
}

/** The worker that ran a task ended before the task did. */
export class WorkerLostError extends ProcessExitError {
  /** `ERR_FORKFUL_WORKER_LOST` */
  override readonly code: string = 'ERR_FORKFUL_WORKER_LOST';
  /** What was running, e.g. `resize (task 17, item 3)`. */
  readonly task: string;

  constructor(message: string, details: ExitDetails & { readonly task?: string } = {}) {
    super(message, details);
    this.task = details.task ?? '';
  }
}

/** The pool was terminated before the task was done. */
export class PoolTerminatedError extends ForkfulError {
  /** `ERR_FORKFUL_POOL_TERMINATED` */
  override readonly code: string = 'ERR_FORKFUL_POOL_TERMINATED';
}

/** The task's result was cancelled. */
export class CancelledError extends ForkfulError {
  /** `ERR_FORKFUL_CANCELLED` */
  override readonly code: string = 'ERR_FORKFUL_CANCELLED';
}

/** More file descriptors than the limits of this process, or of its user, allow. */
export class DescriptorError extends ForkfulError {
  /** `ERR_FORKFUL_DESCRIPTORS` */
  override readonly code: string = 'ERR_FORKFUL_DESCRIPTORS';
}

/** An error of another process whose class is not known here; `name` is that of the original. */
export class RemoteError extends ForkfulError {
  /** `ERR_FORKFUL_REMOTE` */
  override readonly code: string = 'ERR_FORKFUL_REMOTE';
}
