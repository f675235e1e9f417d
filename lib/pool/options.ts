import { referTo } from '../function-ref';
import { moduleNames } from '../module-names';
import { abortSignal, callback, flag, integer, invalid, list, oneOf, record, timeout } from '../options';
import type { StartMethod } from '../backend/backend';
import {
  Process,
  WORKER,
  type ProcessOptions,
  type Target,
  type WorkerMark,
  type WorkerOptions,
} from '../process';
import { cpuCount } from '../cpu-count';
import type { CallbackOptions } from './async-result';
import type { WorkerOverrides } from './each-worker';
import type { ProgressOption } from './progress';
import { termsFrom, type Terms } from './terms';
import type { Hook, WorkerSettings } from './worker-main';

/** How the tasks of a call are treated. What is left out is as the pool's options say. */
export interface TaskOptions {
  /** Rejects the call at once with `signal.reason`, and stops its tasks. */
  readonly signal?: AbortSignal;
  /**
   * Of `apply`: an abort rejects only when no worker runs the task any more; until then its progress is told.
   * @default false
   */
  readonly awaitStop?: boolean;
  /** Milliseconds that one task, from its start, may take; then it fails with a TimeoutError. @default Infinity */
  readonly taskTimeout?: number;
  /** Milliseconds that a stopped task has to end by itself, before its worker gets SIGTERM. @default 1000 */
  readonly killAfter?: number;
  /** How many times a task is run again whose worker was lost. @default 0 */
  readonly retries?: number;
  /** Of the tasks that have not started, those with the highest go first. @default 0 */
  readonly priority?: number;
  /** Tasks with the same key run in the same worker, as long as that lives, in the order of the calls. */
  readonly key?: string | number;
  /**
   * Has its worker to itself, also in a pool with `concurrency`. Not for tasks with `key` or `worker`. @default false
   */
  readonly exclusive?: boolean;
  /** Of `apply`: the id of the one worker that is to run it. @default any */
  readonly worker?: number;
  /**
   * Is told, in bunches, how far the call has come. true draws a bar on stderr, if that is a terminal. @default false
   */
  readonly progress?: ProgressOption;
  /** Items that go to a worker together. @default ceil(items / (4 × processes)) for map, 1 for imap */
  readonly chunksize?: number;
  /** Gives PromiseSettledResults, and goes on after an error. @default false */
  readonly settled?: boolean;
}

/** How many workers a pool has, how they start and end, and what terms its tasks have. */
export interface PoolOptions extends Pick<TaskOptions, 'taskTimeout' | 'killAfter' | 'retries'> {
  /** Most workers; they start on demand. @default cpuCount() */
  readonly processes?: number;
  /** Tasks that a worker runs at once: of use for asynchronous ones. @default 1 */
  readonly concurrency?: number;
  /**
   * Runs in every worker before its first task. If it fails, or takes longer than the pool's `taskTimeout`, what is
   * pending or comes later rejects with its error.
   */
  readonly initializer?: Target;
  /**
   * Called with the id of each worker that is about to be started, those that replace others too: what this one has
   * otherwise than the pool's options say. What it throws is as if the system had refused the worker.
   */
  readonly eachWorker?: (id: number) => WorkerOverrides | undefined;
  /** Runs in every worker that ends in good order, after its last task; it has as long as a task. */
  readonly finalizer?: Target;
  /**
   * Modules that every worker loads before it takes tasks, under 'forkserver' once for all workers: file names, file: URLs, or
   * names of packages. @default []
   */
  readonly preload?: readonly (string | URL)[];
  /** Runs in every worker, under 'forkserver' once for all, after the preload: what it exercises is loaded and compiled. */
  readonly warmup?: Target;
  /** Workers that are started at once, and stay when they are idle. @default 0 */
  readonly minProcesses?: number;
  /** Milliseconds after which an idle worker ends. @default Infinity */
  readonly idleTimeout?: number;
  /** Tasks after which a worker is replaced. @default Infinity */
  readonly maxTasksPerChild?: number;
  /** Bytes of private memory with which a worker is replaced after its task: shared pages do not count. @default Infinity */
  readonly maxMemoryPerChild?: number;
  /**
   * Tasks that may wait to be started; a chunk is one. Beyond that `apply` and `stream` reject with a FullError, until
   * the pool emits 'drain'; `map` and `imap` wait. @default Infinity
   */
  readonly maxPending?: number;
  /** @default [] */
  readonly initargs?: readonly unknown[];
  /** As of {@link Process}. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** The workers' directory. @default that of this process */
  readonly cwd?: string;
  /** Node's own arguments, as of {@link Process}. */
  readonly execArgv?: readonly string[];
  /**
   * Where the workers' stdout and stderr lead to: where this process's do, to {@link Pool.stdout} and {@link Pool.stderr},
   * or nowhere. @default 'inherit'
   */
  readonly stdio?: 'inherit' | 'pipe' | 'ignore';
  /** Precedes each line that a worker prints; true: `[name] `. @default false */
  readonly linePrefix?: boolean | string;
  /** Which start method the workers use. @default the program's */
  readonly context?: {
    /** As of {@link Context}. */
    readonly method: StartMethod;
  };
}

const POOL_OPTIONS = [
  'processes',
  'minProcesses',
  'concurrency',
  'initializer',
  'initargs',
  'eachWorker',
  'finalizer',
  'preload',
  'warmup',
  'idleTimeout',
  'maxTasksPerChild',
  'maxMemoryPerChild',
  'maxPending',
] as const;
const POOL_TERMS = ['taskTimeout', 'killAfter', 'retries'] as const;
const TASK_TERMS = [...POOL_TERMS, 'priority', 'key', 'exclusive'] as const;
const TASK_OPTIONS = [
  ...TASK_TERMS,
  'signal',
  'awaitStop',
  'worker',
  'chunksize',
  'settled',
  'progress',
] as const;
const CALLBACKS = ['callback', 'errorCallback'] as const;
const PROCESS_OPTIONS = ['env', 'cwd', 'execArgv', 'stdio', 'linePrefix', 'context'] as const;
const STDIO = ['inherit', 'pipe', 'ignore'] as const;

export const MOST_PROCESSES = 4096;

export interface PoolSettings {
  readonly processes: number;
  readonly minProcesses: number;
  readonly idleTimeout: number;
  readonly maxPending: number;
  readonly worker: Omit<WorkerSettings, 'id'>;
  readonly eachWorker: ((id: number) => unknown) | undefined;
  readonly terms: Terms;
  readonly process: WorkerOptions;
}

/** @throws InvalidArgumentError for options of the wrong type or range */
export function poolSettings(options: number | PoolOptions): PoolSettings {
  const given = record('Pool options', typeof options === 'object' ? options : { processes: options }, [
    ...POOL_OPTIONS,
    ...POOL_TERMS,
    ...PROCESS_OPTIONS,
  ]);
  const count = (name: (typeof POOL_OPTIONS)[number], least: number, most: number, otherwise: number) =>
    given[name] === undefined ? otherwise : integer(`Pool option "${name}"`, given[name], least, most);
  const hook = (target: unknown, args: readonly unknown[] = []): Hook | undefined =>
    target === undefined ? undefined : { reference: referTo(target), args };
  const { initializer, initargs, eachWorker, finalizer, preload, warmup, idleTimeout } = given;
  if (given.stdio !== undefined) oneOf('Pool option "stdio"', given.stdio, STDIO);
  const terms = termsFrom('Pool option', given);
  const modules = preload === undefined ? [] : moduleNames('Pool option "preload"', preload);
  const warmupHook = hook(warmup);
  const processes = count('processes', 1, MOST_PROCESSES, cpuCount());
  const forProcesses: ProcessOptions = Object.fromEntries(
    PROCESS_OPTIONS.flatMap((key) => (given[key] === undefined ? [] : [[key, given[key]]])),
  );
  new Process({ ...forProcesses, name: 'PoolWorker' }); // looks whether they are right
  return {
    processes,
    minProcesses: count('minProcesses', 0, processes, 0),
    idleTimeout: timeout('Pool option "idleTimeout"', idleTimeout),
    maxPending: count('maxPending', 1, Infinity, Infinity),
    worker: {
      concurrency: count('concurrency', 1, 65_536, 1),
      preload: modules,
      warmup: warmupHook,
      initializer: hook(initializer, initargs === undefined ? [] : list('Pool option "initargs"', initargs)),
      finalizer: hook(finalizer),
      isRead: given.stdio === 'pipe',
      limits: {
        maxTasks: count('maxTasksPerChild', 1, Infinity, Infinity),
        maxMemory: count('maxMemoryPerChild', 1, Infinity, Infinity),
      },
    },
    eachWorker: eachWorker === undefined ? undefined : callback('Pool option "eachWorker"', eachWorker),
    terms,
    process: {
      ...forProcesses,
      [WORKER]: { ahead: ahead(modules, warmupHook, terms.taskTimeout) },
    },
  };
}

/** What the workers' forkserver can do for all of them; undefined if that is nothing. */
function ahead(modules: readonly string[], warmup: Hook | undefined, limit: number): WorkerMark['ahead'] {
  if (modules.length === 0 && warmup === undefined) return undefined;
  return { modules, warmups: warmup === undefined ? [] : [warmup.reference], limit };
}

/** What a call has asked for. */
export interface CallSettings {
  readonly terms: Terms;
  readonly signal: AbortSignal | undefined;
  readonly awaitStop: boolean;
  readonly worker: number | undefined;
  readonly chunksize: number | undefined;
  readonly settled: boolean;
  readonly progress: ProgressOption | undefined;
}

/** @throws InvalidArgumentError for options of the wrong type or range */
export function callSettings(
  verb: string,
  options: (TaskOptions & CallbackOptions<never>) | undefined,
  defaults: CallSettings,
): CallSettings {
  if (options === undefined) return defaults;
  const given = record(`${verb} options`, options, [...TASK_OPTIONS, ...CALLBACKS]);
  for (const name of CALLBACKS)
    if (given[name] !== undefined) callback(`${verb} option "${name}"`, given[name]);
  const { signal, awaitStop, worker, chunksize, settled, progress } = given;
  const hasTerms = TASK_TERMS.some((name) => given[name] !== undefined);
  return {
    terms: hasTerms ? termsFrom(`${verb} option`, given, defaults.terms) : defaults.terms,
    signal: abortSignal(`${verb} option "signal"`, signal),
    awaitStop: awaitStop !== undefined && flag(`${verb} option "awaitStop"`, awaitStop),
    worker: worker === undefined ? undefined : integer(`${verb} option "worker"`, worker, 1),
    chunksize: chunksize === undefined ? undefined : integer(`${verb} option "chunksize"`, chunksize, 1),
    settled: settled !== undefined && flag(`${verb} option "settled"`, settled),
    progress: progress === undefined ? undefined : progressFrom(`${verb} option "progress"`, progress),
  };
}

function progressFrom(name: string, progress: unknown): ProgressOption {
  if (typeof progress === 'boolean' || typeof progress === 'function') return progress as ProgressOption;
  throw invalid(name, 'true, false or a function', progress);
}

export function iterable(name: string, value: unknown): Iterable<unknown> | AsyncIterable<unknown> {
  if (
    value !== null &&
    value !== undefined &&
    (Symbol.iterator in Object(value) || Symbol.asyncIterator in Object(value))
  )
    return value as Iterable<unknown>;
  throw invalid(name, 'an iterable or async iterable', value);
}
