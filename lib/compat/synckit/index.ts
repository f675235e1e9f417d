import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TimeoutError, WorkerLostError } from '../../errors';
import { ref } from '../../function-ref';
import { Pool } from '../../pool/pool';
import type { call, prepare } from './child';
import {
  DEFAULT_EXEC_ARGV,
  DEFAULT_GLOBAL_SHIMS,
  DEFAULT_GLOBAL_SHIMS_PRESET,
  DEFAULT_TIMEOUT,
  DEFAULT_TS_RUNNER,
} from './constants';
import { withRunner } from './ts-runner';
import type { AnyFn, GlobalShim, Syncify, SynckitOptions } from './types';

export { runAsWorker } from './child';
export * from './constants';
export type * from './types';

const CHILD = require.resolve('./child');
const CALL = ref<typeof call>(CHILD, 'call');
const made = new Map<string, AnyFn>();

/**
 * A function that runs, in a process of its own, what the worker module has given to `runAsWorker`, and blocks until it has
 * the result. For a worker there is one such function: the options of the first call hold.
 * @param workerPath an absolute path, or a file: URL
 * @param timeoutOrOptions `timeout` in ms
 */
export function createSyncFn<T extends AnyFn>(
  workerPath: URL | string,
  timeoutOrOptions?: SynckitOptions | number,
): Syncify<T> {
  const path =
    typeof workerPath !== 'string' || workerPath.startsWith('file://')
      ? fileURLToPath(workerPath)
      : workerPath;
  const before = made.get(path);
  if (before !== undefined) return before as Syncify<T>;
  if (!isAbsolute(path)) throw new Error('`workerPath` must be absolute');
  const options = typeof timeoutOrOptions === 'number' ? { timeout: timeoutOrOptions } : timeoutOrOptions;
  const fn = syncFn(path, options ?? {});
  made.set(path, fn);
  return fn as Syncify<T>;
}

function syncFn(workerPath: string, options: SynckitOptions): AnyFn {
  const {
    timeout = DEFAULT_TIMEOUT,
    execArgv = DEFAULT_EXEC_ARGV,
    tsRunner = DEFAULT_TS_RUNNER,
    globalShims = DEFAULT_GLOBAL_SHIMS,
  } = options;
  const { path, flags } = withRunner(workerPath, tsRunner);
  const more = [...flags, ...execArgv.filter((argument) => argument !== '')];
  const pool = new Pool({
    processes: 1,
    initializer: ref<typeof prepare>(CHILD, 'prepare'),
    initargs: [path, shimsOf(globalShims)],
    ...(more.length > 0 && { execArgv: [...process.execArgv, ...more] }),
  });
  return (...args) => {
    const result = pool.applyAsync(CALL, [args], { killAfter: 0 });
    try {
      return result.getSync({ timeout: timeout ?? Infinity });
    } catch (error) {
      if (error instanceof TimeoutError && !result.ready()) {
        result.cancel(); // its worker goes too: the next call has one that is not busy
        throw new Error('Internal error: Atomics.wait() failed: timed-out', { cause: error });
      }
      if (!(error instanceof WorkerLostError)) throw error;
      throw new Error(`Worker exited with ${exitOf(error)}`, { cause: error });
    }
  };
}

function exitOf({ exitCode, signal }: WorkerLostError): string {
  return signal === null ? `code ${exitCode ?? 'null'}` : `signal ${signal}`;
}

function shimsOf(globalShims: GlobalShim[] | boolean): GlobalShim[] {
  return typeof globalShims !== 'boolean' ? globalShims : globalShims ? DEFAULT_GLOBAL_SHIMS_PRESET : [];
}
