import { referTo, type TargetReference } from '../function-ref';
import { abortSignal, callback, flag, integer, invalid, list, record } from '../options';
import type { StartMethod } from '../backend/backend';
import type { ProcessOptions, Target } from '../process';
import { cpuCount } from '../cpu-count';
import type { CallbackOptions } from './async-result';
import { termsFrom, type Terms } from './terms';

/** How the tasks of a call are treated. What is left out is as the pool's options say. */
export interface TaskOptions {
  /** Rejects the call at once with `signal.reason`, and stops its tasks. */
  readonly signal?: AbortSignal;
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
  /** Items that go to a worker together. @default ceil(items / (4 × processes)) for map, 1 for imap */
  readonly chunksize?: number;
  /** Gives PromiseSettledResults, and goes on after an error. @default false */
  readonly settled?: boolean;
}

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
  /** @default [] */
  readonly initargs?: readonly unknown[];
  /** As of {@link Process}. */
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly cwd?: string;
  readonly execArgv?: readonly string[];
  readonly stdio?: 'inherit' | 'ignore';
  readonly context?: { readonly method: StartMethod };
}

const POOL_TERMS = ['taskTimeout', 'killAfter', 'retries'] as const;
const TASK_TERMS = [...POOL_TERMS, 'priority', 'key'] as const;
const TASK_OPTIONS = [...TASK_TERMS, 'signal', 'chunksize', 'settled'] as const;
const CALLBACKS = ['callback', 'errorCallback'] as const;
const PROCESS_OPTIONS = ['env', 'cwd', 'execArgv', 'stdio', 'context'] as const;

export interface PoolSettings {
  readonly processes: number;
  readonly concurrency: number;
  readonly initializer:
    { readonly reference: TargetReference; readonly args: readonly unknown[] } | undefined;
  readonly terms: Terms;
  readonly process: ProcessOptions;
}

/** @throws InvalidArgumentError for options of the wrong type or range */
export function poolSettings(options: number | PoolOptions): PoolSettings {
  const given = record('Pool options', typeof options === 'object' ? options : { processes: options }, [
    'processes',
    'concurrency',
    'initializer',
    'initargs',
    ...POOL_TERMS,
    ...PROCESS_OPTIONS,
  ]);
  const { initializer, initargs, processes, concurrency } = given;
  const args = initargs === undefined ? [] : list('Pool option "initargs"', initargs);
  return {
    processes: processes === undefined ? cpuCount() : integer('Pool option "processes"', processes, 1, 4096),
    concurrency: concurrency === undefined ? 1 : integer('Pool option "concurrency"', concurrency, 1, 65_536),
    initializer: initializer === undefined ? undefined : { reference: referTo(initializer), args },
    terms: termsFrom('Pool option', given),
    process: Object.fromEntries(
      PROCESS_OPTIONS.flatMap((key) => (given[key] === undefined ? [] : [[key, given[key]]])),
    ),
  };
}

/** What a call has asked for. */
export interface CallSettings {
  readonly terms: Terms;
  readonly signal: AbortSignal | undefined;
  readonly chunksize: number | undefined;
  readonly settled: boolean;
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
  const { signal, chunksize, settled } = given;
  const hasTerms = TASK_TERMS.some((name) => given[name] !== undefined);
  return {
    terms: hasTerms ? termsFrom(`${verb} option`, given, defaults.terms) : defaults.terms,
    signal: abortSignal(`${verb} option "signal"`, signal),
    chunksize: chunksize === undefined ? undefined : integer(`${verb} option "chunksize"`, chunksize, 1),
    settled: settled !== undefined && flag(`${verb} option "settled"`, settled),
  };
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
