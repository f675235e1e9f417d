import { WorkerLostError } from '../../errors';

/** As after SIGTERM and SIGKILL: jest-worker takes them for ends from outside. */
const OUTSIDE = [0, 143, 137];

/** What jest-worker would say; the error of the pool is its `cause`. */
export function asJests(error: unknown, retries: number): unknown {
  return error instanceof WorkerLostError ? lost(error, retries) : error;
}

function lost(cause: WorkerLostError, retries: number): Error {
  const { pid, exitCode, signal } = cause;
  // V8 aborts when its heap is full.
  if (signal === 'SIGABRT') return new Error('Jest worker ran out of memory and crashed', { cause });
  if (signal !== null) {
    return new Error(
      `A jest worker process (pid=${pid}) was terminated by another process: signal=${signal}, exitCode=null. ` +
        'Operating system logs may contain more information on why this occurred.',
      { cause },
    );
  }
  if (exitCode !== null && !OUTSIDE.includes(exitCode)) {
    const message = `Jest worker encountered ${retries + 1} child process exceptions, exceeding retry limit`;
    return Object.assign(new Error(message, { cause }), { type: 'WorkerError' });
  }
  return new Error(
    `A jest worker process (pid=${pid}) crashed for an unknown reason: exitCode=${exitCode ?? 'null'}`,
    { cause },
  );
}
