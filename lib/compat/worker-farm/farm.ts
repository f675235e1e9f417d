import type { ForkOptions } from 'node:child_process';
import { cpus } from 'node:os';
import { UnsupportedError } from '../../errors';
import { ref } from '../../function-ref';
import type { PoolOptions, TaskOptions } from '../../pool/options';
import { Pool } from '../../pool/pool';
import type { call, load } from './child';
import { asFarms, FarmError } from './errors';
import { FarmChild } from './farm-child';
import type { FarmOptions } from './types';

const CHILD = require.resolve('./child');
const CALL = ref<typeof call>(CHILD, 'call');
const LOAD = ref<typeof load>(CHILD, 'load');
const MOST_CONCURRENT = 65_536;
const MOST_RETRIES = 254;
/** What no process of a pool can have. */
const NOT_FOR_POOLS = ['execPath', 'uid', 'gid'] as const;

type Callback = (...results: unknown[]) => void;

/** The pool of a module whose methods call back. */
export class Farm {
  readonly #path: string;
  readonly #pool: Pool;
  readonly #most: number;
  readonly #retries: number;
  readonly #terms: TaskOptions;
  /** Calls that have not called back. */
  #calls = 0;

  constructor(options: FarmOptions, path: string) {
    const { maxRetries = 0, maxCallTime = Infinity, forcedKillTime = 100 } = options;
    this.#path = path;
    this.#most = options.maxConcurrentCalls ?? Infinity;
    this.#retries = maxRetries;
    this.#terms = {
      retries: Math.min(maxRetries, MOST_RETRIES),
      taskTimeout: maxCallTime,
      killAfter: forcedKillTime,
    };
    this.#pool = new Pool({ ...poolOptions(options), initializer: LOAD, initargs: [path] });
    const { onChild } = options;
    if (onChild !== undefined) tell(this.#pool, onChild);
  }

  /** The function that calls a method, whose last argument is the callback. */
  handle(method?: string): (...args: unknown[]) => void {
    return (...given) => {
      const last = given.at(-1);
      if (this.#calls >= this.#most) {
        const { running } = this.#pool.stats();
        const counts = `active: ${running}, queued: ${this.#calls - running}`;
        const error = new FarmError('MaxConcurrentCallsError', `Too many concurrent calls (${counts})`);
        if (typeof last !== 'function') throw error;
        process.nextTick(last, error);
        return;
      }
      void this.#call(method, given.slice(0, -1), last as Callback);
    };
  }

  async #call(method: string | undefined, args: readonly unknown[], callback: Callback): Promise<void> {
    this.#calls++;
    let results: readonly unknown[];
    try {
      results = await this.#pool.apply(CALL, [this.#path, method, args], this.#terms);
    } catch (error) {
      results = [asFarms(error, this.#retries)];
    }
    this.#calls--;
    process.nextTick(callback, ...results); // what it throws is its own
  }

  async end(): Promise<void> {
    await this.#pool.close();
  }
}

function poolOptions(options: FarmOptions): PoolOptions {
  const { workerOptions = {}, maxCallsPerWorker = Infinity, maxConcurrentCallsPerWorker = 10 } = options;
  const impossible = NOT_FOR_POOLS.find((key) => workerOptions[key] !== undefined);
  if (impossible !== undefined) {
    throw new UnsupportedError(
      `worker-farm's option workerOptions.${impossible} is not for processes of a forkful pool: leave it out`,
    );
  }
  const { env, cwd, execArgv } = workerOptions;
  const processes = options.maxConcurrentWorkers ?? Math.max(1, cpus().length);
  return {
    processes,
    minProcesses: options.autoStart === true ? processes : 0,
    concurrency: Math.min(maxConcurrentCallsPerWorker, MOST_CONCURRENT),
    maxTasksPerChild: Math.min(maxCallsPerWorker, Number.MAX_SAFE_INTEGER),
    stdio: stdioOf(workerOptions),
    ...(env !== undefined && { env }),
    ...(cwd !== undefined && { cwd: String(cwd) }),
    ...(execArgv !== undefined && { execArgv }),
  };
}

function stdioOf({ silent = false, stdio }: ForkOptions): 'inherit' | 'ignore' {
  const output: unknown = Array.isArray(stdio) ? stdio[1] : stdio;
  return output === 'inherit' || (output === undefined && !silent) ? 'inherit' : 'ignore';
}

function tell(pool: Pool, onChild: (child: FarmChild) => void): void {
  const children = new Map<number, FarmChild>();
  pool.on('workerStart', ({ id, pid }) => {
    const child = new FarmChild(pid);
    children.set(id, child);
    onChild(child);
  });
  pool.on('workerExit', ({ id, exitCode, signal }) => {
    const child = children.get(id);
    children.delete(id);
    if (child === undefined) return;
    child.exitCode = signal === null ? (exitCode ?? null) : null;
    child.signalCode = signal ?? null;
    child.emit('exit', child.exitCode, child.signalCode);
  });
}
