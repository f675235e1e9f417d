import { PoolTerminatedError, WorkerLostError } from '../../errors';

/** A worker ended while it ran a task. */
export class TerminateError extends Error {
  declare cause: Error | undefined;

  constructor(message?: string, cause?: Error) {
    super(message ?? 'worker terminated', { cause });
  }
}

/** What workerpool rejects with in the place of the pool's own errors. What a task threw stays what it is. */
export function translated(error: unknown, script: string, args: readonly string[]): unknown {
  if (error instanceof PoolTerminatedError) return new Error('Worker terminated', { cause: error });
  if (!(error instanceof WorkerLostError)) return error;
  const { exitCode, signal } = error;
  const facts = {
    exitCode: signal === null ? exitCode : null,
    signalCode: signal,
    'workerpool.script': script,
    spawnArgs: [process.execPath, script, ...args].join(),
    spawnfile: process.execPath,
    stdout: null,
    stderr: null,
  };
  const lines = Object.entries(facts).map(([name, value]) => `    ${name}: \`${value}\`\n`);
  return new TerminateError(`Workerpool Worker terminated Unexpectedly\n${lines.join('')}`, error);
}
