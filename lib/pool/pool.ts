import '../dispose';
import type { StartMethod } from '../backend/backend';
import { cpuCount } from '../cpu-count';
import { InvalidStateError } from '../errors';
import { referTo } from '../function-ref';
import { callback, flag, integer, invalid, list, record } from '../options';
import type { ProcessOptions, Target } from '../process';
import { AsyncResult, type CallbackOptions } from './async-result';
import { PoolIterator } from './imap';
import { encodeTask } from './protocol';
import { Scheduler } from './scheduler';
import { Task, TaskFunction, type Sink } from './task';

export interface PoolOptions {
  /** Most workers; they start on demand. @default cpuCount() */
  readonly processes?: number;
  /** Runs in every worker before its first task. If it fails, what is pending or comes later rejects with its error. */
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

export interface MapOptions {
  /** Items that go to a worker together. @default ceil(items / (4 × processes)) for map, 1 for imap */
  readonly chunksize?: number;
  /** Gives PromiseSettledResults, and goes on after an error. @default false */
  readonly settled?: boolean;
}

/** What a target takes and gives. */
type Args<F> = F extends (...args: infer A) => unknown
  ? A
  : F extends { run(...args: infer A): unknown }
    ? A
    : unknown[];
type Result<F> = F extends (...args: never[]) => infer R
  ? Awaited<R>
  : F extends { run(...args: never[]): infer R }
    ? Awaited<R>
    : unknown;
type First<F> = Args<F> extends readonly [] ? unknown : Args<F>[0];

const OPTIONS = [
  'processes',
  'initializer',
  'initargs',
  'env',
  'cwd',
  'execArgv',
  'stdio',
  'context',
] as const;
/** Items that imap takes from its input beyond what was consumed, in chunks for each worker; at least 64 items. */
const LOOK_AHEAD = 8;

/**
 * Worker processes that run functions. Every task settles: with its result, its error, or a {@link WorkerLostError} if
 * its worker ended; then the worker is replaced, and what it had not started runs elsewhere. An idle pool does not keep
 * the program alive.
 */
export class Pool {
  readonly #scheduler: Scheduler;
  readonly #processes: number;
  readonly #functions = new WeakMap<object, TaskFunction>();
  readonly #namedFunctions = new Map<string, TaskFunction>();
  #nextFunction = 1;
  #nextTask = 1;

  /**
   * @param options the number of workers, or options
   * @throws InvalidArgumentError for options of the wrong type or range
   */
  constructor(options: number | PoolOptions = {}) {
    const given = record(
      'Pool options',
      typeof options === 'object' ? options : { processes: options },
      OPTIONS,
    );
    this.#processes =
      given.processes === undefined
        ? cpuCount()
        : integer('Pool option "processes"', given.processes, 1, 4096);
    const { initializer, initargs, processes: _, ...processOptions } = given;
    const args = initargs === undefined ? [] : list('Pool option "initargs"', initargs);
    this.#scheduler = new Scheduler(
      this.#processes,
      processOptions as ProcessOptions,
      initializer === undefined ? undefined : { reference: referTo(initializer), args },
    );
  }

  /** Most workers at a time. */
  get processes(): number {
    return this.#processes;
  }

  /** Runs `fn(...args)` in a worker; resolves with what it returns or resolves with. */
  apply<F extends Target>(fn: F, args?: Readonly<Args<F>>): Promise<Result<F>> {
    return new Promise((resolve, reject) => {
      this.#applyTo(fn, args, {
        settle: (_index, ok, value) => {
          if (ok) resolve(value as Result<F>);
          else reject(value);
        },
      });
    });
  }

  /** Like {@link apply}; the result keeps until asked for. */
  applyAsync<F extends Target>(
    fn: F,
    args?: Readonly<Args<F>>,
    options?: CallbackOptions<Result<F>>,
  ): AsyncResult<Result<F>> {
    const result = new AsyncResult<Result<F>>(callbacksOf(options));
    this.#applyTo(fn, args, result);
    return result;
  }

  /**
   * `fn(item)` for each item; the results in the order of the items. The first error stops handing out and rejects.
   */
  map<F extends Target>(
    fn: F,
    items: Iterable<First<F>>,
    options: MapOptions & { readonly settled: true },
  ): Promise<PromiseSettledResult<Result<F>>[]>;
  map<F extends Target>(fn: F, items: Iterable<First<F>>, options?: MapOptions): Promise<Result<F>[]>;
  map(fn: Target, items: Iterable<unknown>, options?: MapOptions): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      this.#mapTo(fn, items, false, options, resolve, reject);
    });
  }

  /** Like {@link map}, with `fn(...args)` for each item. */
  starmap<F extends Target>(
    fn: F,
    argLists: Iterable<Readonly<Args<F>>>,
    options: MapOptions & { readonly settled: true },
  ): Promise<PromiseSettledResult<Result<F>>[]>;
  starmap<F extends Target>(
    fn: F,
    argLists: Iterable<Readonly<Args<F>>>,
    options?: MapOptions,
  ): Promise<Result<F>[]>;
  starmap(fn: Target, argLists: Iterable<unknown>, options?: MapOptions): Promise<unknown[]> {
    return new Promise((resolve, reject) => {
      this.#mapTo(fn, argLists, true, options, resolve, reject);
    });
  }

  /** Like {@link map}; the result keeps until asked for. */
  mapAsync<F extends Target>(
    fn: F,
    items: Iterable<First<F>>,
    options?: MapOptions & CallbackOptions<Result<F>[]>,
  ): AsyncResult<Result<F>[]> {
    return this.#mapAsync(fn, items, false, options);
  }

  /** Like {@link starmap}; the result keeps until asked for. */
  starmapAsync<F extends Target>(
    fn: F,
    argLists: Iterable<Readonly<Args<F>>>,
    options?: MapOptions & CallbackOptions<Result<F>[]>,
  ): AsyncResult<Result<F>[]> {
    return this.#mapAsync(fn, argLists, true, options);
  }

  /**
   * `fn(item)` for each item of an iterable or async iterable of any length; the results in order. The input is taken
   * only a bounded number of items ahead of the consumer. An item's error is thrown in its place; the iteration can go on.
   */
  imap<F extends Target>(
    fn: F,
    items: Iterable<First<F>> | AsyncIterable<First<F>>,
    options: MapOptions & { readonly settled: true },
  ): AsyncIterableIterator<PromiseSettledResult<Result<F>>>;
  imap<F extends Target>(
    fn: F,
    items: Iterable<First<F>> | AsyncIterable<First<F>>,
    options?: MapOptions,
  ): AsyncIterableIterator<Result<F>>;
  imap(
    fn: Target,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    options?: MapOptions,
  ): AsyncIterableIterator<unknown> {
    return this.#iterate(fn, items, true, options);
  }

  /** Like {@link imap}, but the results come as they finish. */
  imapUnordered<F extends Target>(
    fn: F,
    items: Iterable<First<F>> | AsyncIterable<First<F>>,
    options: MapOptions & { readonly settled: true },
  ): AsyncIterableIterator<PromiseSettledResult<Result<F>>>;
  imapUnordered<F extends Target>(
    fn: F,
    items: Iterable<First<F>> | AsyncIterable<First<F>>,
    options?: MapOptions,
  ): AsyncIterableIterator<Result<F>>;
  imapUnordered(
    fn: Target,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    options?: MapOptions,
  ): AsyncIterableIterator<unknown> {
    return this.#iterate(fn, items, false, options);
  }

  /** Starts all workers; resolves when they take tasks. */
  async ready(): Promise<void> {
    this.#mustRun();
    await this.#scheduler.ready();
  }

  /** Takes no more tasks; resolves when all are done and the workers are gone. Idempotent. */
  close(): Promise<void> {
    return this.#scheduler.close();
  }

  /** Ends the workers at once; what is not done rejects with PoolTerminatedError. Resolves when they are gone. */
  terminate(): Promise<void> {
    return this.#scheduler.terminate();
  }

  /** Resolves when a closed or terminated pool's workers are gone. @throws InvalidStateError while the pool runs */
  async join(): Promise<void> {
    if (this.#scheduler.state === 'running') {
      throw new InvalidStateError('the pool is still running; close() or terminate() it before join()');
    }
    await this.#scheduler.gone();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate();
  }

  #mustRun(): void {
    if (this.#scheduler.state !== 'running')
      throw new InvalidStateError('the pool is not running: it was closed or terminated');
  }

  /** What is named the same is the same function. An object with run() travels by value: each call is another. */
  #function(target: Target): TaskFunction {
    const known = typeof target === 'function' ? this.#functions.get(target) : undefined;
    if (known !== undefined) return known;
    const reference = referTo(target);
    const key = reference.kind === 'object' ? undefined : JSON.stringify(reference);
    let made = key === undefined ? undefined : this.#namedFunctions.get(key);
    made ??= new TaskFunction(this.#nextFunction++, reference);
    if (key !== undefined) this.#namedFunctions.set(key, made);
    if (typeof target === 'function') this.#functions.set(target, made);
    return made;
  }

  #submit(fn: TaskFunction, items: readonly unknown[], spread: boolean, base: number, sink: Sink): Task {
    const id = this.#nextTask++ >>> 0;
    const message = encodeTask(id, fn.id, spread, items);
    const task = new Task(id, fn, sink, base, items.length);
    this.#scheduler.submit(task, message);
    return task;
  }

  #applyTo(fn: Target, args: readonly unknown[] | undefined, sink: Sink): void {
    try {
      this.#mustRun();
      const given = args === undefined ? [] : list('apply argument "args"', args);
      this.#submit(this.#function(fn), [given], true, 0, sink);
    } catch (error) {
      sink.settle(0, false, error);
    }
  }

  #mapTo(
    fn: Target,
    items: Iterable<unknown>,
    spread: boolean,
    options: MapOptions | undefined,
    resolve: (values: unknown[]) => void,
    reject: (error: unknown) => void,
  ): void {
    const tasks: Task[] = [];
    try {
      this.#mustRun();
      if (!isIterable(items)) throw invalid('map argument "items"', 'an iterable', items);
      const all = [...items];
      if (spread) all.forEach((item, i) => list(`starmap item ${i}`, item));
      const { chunksize, settled } = mapOptions(options, Math.ceil(all.length / (4 * this.#processes)));
      const results = new Array<unknown>(all.length);
      let open = all.length;
      if (open === 0) {
        resolve([]);
        return;
      }
      const sink: Sink = {
        settle: (index, ok, value) => {
          if (!ok && !settled) {
            reject(value);
            this.#scheduler.cancel(tasks);
            return;
          }
          results[index] = settled
            ? ok
              ? { status: 'fulfilled', value }
              : { status: 'rejected', reason: value }
            : value;
          if (--open === 0) resolve(results);
        },
      };
      const taskFunction = this.#function(fn);
      for (let i = 0; i < all.length; i += chunksize) {
        tasks.push(this.#submit(taskFunction, all.slice(i, i + chunksize), spread, i, sink));
      }
    } catch (error) {
      reject(error);
      this.#scheduler.cancel(tasks);
    }
  }

  #iterate<R>(
    fn: Target,
    items: Iterable<unknown> | AsyncIterable<unknown>,
    ordered: boolean,
    options: MapOptions | undefined,
  ): PoolIterator<R> {
    this.#mustRun();
    if (!isIterable(items)) throw invalid('imap argument "items"', 'an iterable or async iterable', items);
    const { chunksize, settled } = mapOptions(options, 1);
    const taskFunction = this.#function(fn);
    return new PoolIterator<R>(
      items,
      (chunk, base, sink) => {
        this.#mustRun();
        return this.#submit(taskFunction, chunk, false, base, sink);
      },
      (tasks) => {
        this.#scheduler.cancel(tasks);
      },
      { ordered, settled, chunksize, lookAhead: Math.max(64, LOOK_AHEAD * this.#processes * chunksize) },
    ).begin();
  }

  #mapAsync<R>(
    fn: Target,
    items: Iterable<unknown>,
    spread: boolean,
    options: (MapOptions & CallbackOptions<R[]>) | undefined,
  ): AsyncResult<R[]> {
    const { callback, errorCallback, ...rest } = options ?? {};
    const result = new AsyncResult<R[]>(
      callbacksOf({ ...(callback && { callback }), ...(errorCallback && { errorCallback }) }),
    );
    this.#mapTo(
      fn,
      items,
      spread,
      rest,
      (values) => result.settle(0, true, values),
      (error) => result.settle(0, false, error),
    );
    return result;
  }
}

function callbacksOf<R>(options: CallbackOptions<R> | undefined): CallbackOptions<R> | undefined {
  if (options === undefined) return undefined;
  const given = record('options', options, ['callback', 'errorCallback']);
  if (given.callback !== undefined) callback('option "callback"', given.callback);
  if (given.errorCallback !== undefined) callback('option "errorCallback"', given.errorCallback);
  return options;
}

function isIterable(value: unknown): boolean {
  return (
    value !== null &&
    value !== undefined &&
    (Symbol.iterator in Object(value) || Symbol.asyncIterator in Object(value))
  );
}

function mapOptions(options: MapOptions | undefined, chunk: number): { chunksize: number; settled: boolean } {
  const given = record('map options', options, ['chunksize', 'settled']);
  return {
    chunksize:
      given.chunksize === undefined
        ? Math.max(1, chunk)
        : integer('map option "chunksize"', given.chunksize, 1),
    settled: given.settled !== undefined && flag('map option "settled"', given.settled),
  };
}
