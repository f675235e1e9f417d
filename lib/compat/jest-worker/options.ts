import type { ForkOptions } from 'node:child_process';
import { availableParallelism, totalmem } from 'node:os';
import { UnsupportedError } from '../../errors';
import { ref } from '../../function-ref';
import type { PoolOptions } from '../../pool/options';
import { limitFlags } from '../limits';
import type { prepare, tearDown } from './child';
import type { WorkerFarmOptions } from './types';

const CHILD = require.resolve('./child');

/** What no process of a pool can have. */
const NOT_FOR_POOLS = ['execPath', 'uid', 'gid'] as const;

/**
 * The pool of a farm.
 * @param liveWorkers the ids of its workers
 * @throws UnsupportedError for options that a pool's processes cannot have
 */
export function poolOptions(
  workerPath: string,
  options: WorkerFarmOptions,
  liveWorkers: () => readonly number[],
): PoolOptions {
  const { forkOptions = {}, setupArgs = [], idleMemoryLimit, enableWorkerThreads, resourceLimits } = options;
  const impossible = NOT_FOR_POOLS.find((key) => forkOptions[key] !== undefined);
  if (impossible !== undefined || options.WorkerPool !== undefined) {
    throw new UnsupportedError(
      `jest-worker's option ${impossible === undefined ? 'WorkerPool' : `forkOptions.${impossible}`} is not for processes ` +
        'of a forkful pool: leave it out, or use jest-worker itself',
    );
  }
  const { cwd, execArgv } = forkOptions;
  const flags = enableWorkerThreads === true ? limitFlags(resourceLimits) : [];
  return {
    processes: options.numWorkers ?? Math.max(availableParallelism() - 1, 1),
    stdio: stdioOf(forkOptions),
    initializer: ref<typeof prepare>(CHILD, 'prepare'),
    initargs: [workerPath, setupArgs],
    finalizer: ref<typeof tearDown>(CHILD, 'tearDown'),
    eachWorker: environments(forkOptions.env, liveWorkers),
    ...(cwd !== undefined && { cwd: String(cwd) }),
    ...((execArgv !== undefined || flags.length > 0) && {
      execArgv: [...(execArgv ?? process.execArgv), ...flags],
    }),
    ...memoryLimit(idleMemoryLimit),
  };
}

/** Each worker has the lowest JEST_WORKER_ID that no other has. */
function environments(
  given: NodeJS.ProcessEnv | undefined,
  liveWorkers: () => readonly number[],
): NonNullable<PoolOptions['eachWorker']> {
  const places = new Map<number, number>();
  return (id) => {
    const live = liveWorkers();
    for (const other of [...places.keys()]) if (!live.includes(other)) places.delete(other);
    const taken = [...places.values()];
    let place = 1;
    while (taken.includes(place)) place++;
    places.set(id, place);
    const color = process.stdout.isTTY && process.stdout.hasColors() ? { FORCE_COLOR: '1' } : {};
    return { env: { ...color, ...(given ?? process.env), JEST_WORKER_ID: String(place) } };
  };
}

function stdioOf({ silent = true, stdio }: ForkOptions): 'inherit' | 'pipe' | 'ignore' {
  const output: unknown = Array.isArray(stdio) ? stdio[1] : stdio;
  if (output === 'inherit' || output === 'ignore') return output;
  return output === undefined && !silent ? 'inherit' : 'pipe';
}

/** Of the memory that a worker may have when it is idle: bytes, or a part of all there is; 0: none is used twice. */
function memoryLimit(limit: number | undefined): Pick<PoolOptions, 'maxTasksPerChild' | 'maxMemoryPerChild'> {
  if (limit === undefined) return {};
  if (limit === 0) return { maxTasksPerChild: 1 };
  return { maxMemoryPerChild: Math.max(1, Math.floor(limit <= 1 ? totalmem() * limit : limit)) };
}
