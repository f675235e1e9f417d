import { EventEmitter } from 'node:events';
import type { Readable } from 'node:stream';
import '../dispose';
import { FullError, InvalidStateError, WorkerLostError } from '../errors';
import { ownResources } from '../finalizer';
import { forkGeneration } from '../forked';
import { observe } from '../observation/observed';
import { integer, invalid, list, timeoutOption, type SyncWaitOptions } from '../options';
import type { Target } from '../process';
import { Abortable } from './abortable';
import { AsyncResult, type CallbackOptions } from './async-result';
import { callSite, type CallSite } from './call-site';
import { channels } from './channels';
import { Functions } from './functions';
import { PoolIterator } from './imap';
import { PoolReference, closeWhenCollected } from './left-open';
import { MapJob, settledResult } from './map-job';
import {
  MOST_PROCESSES,
  callSettings,
  iterable,
  poolSettings,
  type CallSettings,
  type PoolOptions,
  type TaskOptions,
} from './options';
import { Output } from './output';
import { Progress } from './progress';
import { Flag, encodeTask } from './protocol';
import { Scheduler } from './scheduler';
import type { Slot } from './slot';
import type { PoolStats } from './stats';
import { PoolStream } from './stream';
import { Task, type Outcome, type Sink, type TaskFunction } from './task';
import type { Terms } from './terms';
import type { ArgsOf, Input, ItemOf, ResultOf, Settled, Wrapped, YieldOf } from './types';

/** Items that imap takes from its input beyond what was consumed, in chunks for each worker; at least 64 items. */
const LOOK_AHEAD = 8;

/** What a pool emits. */
export interface PoolEvents {
  /** There is room for tasks again, after some were refused or made to wait for `maxPending`. */
  drain: [];
  /** A worker takes tasks. */
  workerStart: [worker: WorkerEvent];
  /** A worker has ended. */
  workerExit: [worker: WorkerExitEvent];
}

/** Which worker has started or ended. */
export interface WorkerEvent {
  /** The N of its name, PoolWorker-N. */
  readonly id: number;
  /** Its process. */
  readonly pid: number;
}

/** How a worker has ended. */
export interface WorkerExitEvent extends WorkerEvent {
  /** Its exit code; null if a signal has ended it. */
  readonly exitCode: number | null;
  /** The signal that has ended it, or null. */
  readonly signal: NodeJS.Signals | null;
  /** How many tasks it was running. */
  readonly lost: number;
}

/**
 * Worker processes that run functions. Every task settles: with its result, its error, or a {@link WorkerLostError} if
 * its worker ended; then the worker is replaced, and what it had not started runs elsewhere. An idle pool does not keep
 * the program alive.
 */
export class Pool extends EventEmitter<PoolEvents> {
  readonly #scheduler: Scheduler;
  /** What holds for a call that says nothing. */
  readonly #defaults: CallSettings;
  readonly #functions = new Functions();
  readonly #output: Readonly<Record<1 | 2, Output>> | undefined;
  #nextTask = 1;
  /** Of the process that made this object, which a fork copies. */
  readonly #generation = forkGeneration();
  readonly #unobserve: () => void;

  /**
   * @param options the number of workers, or options
   * @throws InvalidArgumentError for options of the wrong type or range
   */
  constructor(options: number | PoolOptions = {}) {
    super();
    const settings = poolSettings(options);
    const { terms } = settings;
    const output = settings.process.stdio === 'pipe' ? { 1: new Output(), 2: new Output() } : undefined;
    this.#output = output;
    this.#defaults = {
      terms,
      signal: undefined,
      awaitStop: false,
      worker: undefined,
      chunksize: undefined,
      settled: false,
      progress: undefined,
    };
    const self = new PoolReference<Pool>(this);
    this.#scheduler = new Scheduler(settings, {
      drain: () => {
        process.nextTick(() => self.pool?.emit('drain'));
      },
      get pool() {
        return self.pool;
      },
      prints: (stdout, stderr) => {
        output?.[1].add(stdout);
        output?.[2].add(stderr);
      },
      workerStart: ({ id, pid }) => {
        process.nextTick(() => {
          const { pool } = self;
          pool?.emit('workerStart', { id, pid });
          channels.workerStart.publish({ pool, id, pid });
        });
      },
      workerExit: ({ id, pid, exit, load: lost }) => {
        process.nextTick(() => {
          const { pool } = self;
          pool?.emit('workerExit', { id, pid, ...exit, lost });
          channels.workerExit.publish({ pool, id, pid, ...exit, lost });
        });
      },
      taskSubmit: ({ id, fn, count }) => {
        channels.taskSubmit.publish({ pool: self.pool, id, name: fn.name, items: count });
      },
    });
    closeWhenCollected(this, this.#scheduler);
    super.once(
      'newListener' as never,
      (() => {
        self.hold();
      }) as never,
    );
    this.#unobserve = ownResources(this, observe(this));
  }

  /**
   * What the workers print from the time on that it was asked for, if the pool's `stdio` is 'pipe'; else null. It need not
   * be read: workers do not wait for that. Ends with the last worker of a closed or terminated pool.
   */
  get stdout(): Readable | null {
    return this.#output?.[1].stream ?? null;
  }

  /** Like {@link stdout}. */
  get stderr(): Readable | null {
    return this.#output?.[2].stream ?? null;
  }

  #noMoreOutput(): void {
    this.#output?.[1].last();
    this.#output?.[2].last();
  }

  /** Most workers at a time. */
  get processes(): number {
    return this.#scheduler.processes;
  }

  /** What the pool does now, and has done. */
  stats(): PoolStats {
    return this.#scheduler.stats;
  }

  /**
   * Most workers from now on. Those that are too many finish what they run, and end.
   * @throws InvalidArgumentError unless `processes` is a number of workers
   */
  resize(processes: number): void {
    this.#mustRun();
    this.#scheduler.resize(integer('resize argument "processes"', processes, 1, MOST_PROCESSES));
  }

  /** Runs `fn(...args)` in a worker; resolves with what it returns or resolves with. */
  apply<F extends Target>(
    fn: F,
    args: Readonly<ArgsOf<F>> | undefined,
    options: TaskOptions & Settled,
  ): Promise<PromiseSettledResult<ResultOf<F>>>;
  apply<F extends Target>(fn: F, args?: Readonly<ArgsOf<F>>, options?: TaskOptions): Promise<ResultOf<F>>;
  apply(fn: Target, args?: readonly unknown[], options?: TaskOptions): Promise<unknown> {
    const site = callSite();
    return new Promise((resolve, reject) => {
      this.#apply(fn, args, options, promised(resolve, reject), site);
    });
  }

  /** Like {@link apply}; the result keeps until asked for, and can be cancelled. */
  applyAsync<F extends Target>(
    fn: F,
    args?: Readonly<ArgsOf<F>>,
    options?: TaskOptions & CallbackOptions<ResultOf<F>>,
  ): AsyncResult<ResultOf<F>> {
    const result = new AsyncResult<ResultOf<F>>(options, this.#scheduler);
    const task = this.#apply(fn, args, options, result, callSite());
    return task === undefined ? result : result.comesFrom(task);
  }

  /** Like {@link apply}, and blocks the thread meanwhile. */
  applySync<F extends Target>(fn: F, args?: Readonly<ArgsOf<F>>, options?: TaskOptions): ResultOf<F> {
    this.#scheduler.mustStartWhileBlocked();
    return this.applyAsync(fn, args, options).getSync();
  }

  /** `fn` as a function that runs in the pool. */
  wrap<F extends Target>(fn: F, options?: TaskOptions): Wrapped<F> {
    return (...args) => this.apply(fn, args, options);
  }

  /**
   * `fn(item)` for each item; the results in the order of the items. The first error stops handing out and rejects.
   * @param items all are taken before the first one runs
   */
  map<F extends Target>(
    fn: F,
    items: Input<ItemOf<F>>,
    options: TaskOptions & Settled,
  ): Promise<PromiseSettledResult<ResultOf<F>>[]>;
  map<F extends Target>(fn: F, items: Input<ItemOf<F>>, options?: TaskOptions): Promise<ResultOf<F>[]>;
  map(fn: Target, items: Input<unknown>, options?: TaskOptions): Promise<unknown[]> {
    const site = callSite();
    return new Promise((resolve, reject) => {
      this.#map('map', fn, items, options, promised(resolve as (value: unknown) => void, reject), site);
    });
  }

  /** Like {@link map}, with `fn(...args)` for each item. */
  starmap<F extends Target>(
    fn: F,
    argLists: Input<Readonly<ArgsOf<F>>>,
    options: TaskOptions & Settled,
  ): Promise<PromiseSettledResult<ResultOf<F>>[]>;
  starmap<F extends Target>(
    fn: F,
    argLists: Input<Readonly<ArgsOf<F>>>,
    options?: TaskOptions,
  ): Promise<ResultOf<F>[]>;
  starmap(fn: Target, argLists: Input<unknown>, options?: TaskOptions): Promise<unknown[]> {
    const site = callSite();
    return new Promise((resolve, reject) => {
      this.#map(
        'starmap',
        fn,
        argLists,
        options,
        promised(resolve as (value: unknown) => void, reject),
        site,
      );
    });
  }

  /** Like {@link map}; the result keeps until asked for, and can be cancelled. */
  mapAsync<F extends Target>(
    fn: F,
    items: Input<ItemOf<F>>,
    options?: TaskOptions & CallbackOptions<ResultOf<F>[]>,
  ): AsyncResult<ResultOf<F>[]> {
    const result = new AsyncResult<ResultOf<F>[]>(options, this.#scheduler);
    return result.comesFrom(this.#map('map', fn, items, options, result, callSite()));
  }

  /** Like {@link starmap}; the result keeps until asked for, and can be cancelled. */
  starmapAsync<F extends Target>(
    fn: F,
    argLists: Input<Readonly<ArgsOf<F>>>,
    options?: TaskOptions & CallbackOptions<ResultOf<F>[]>,
  ): AsyncResult<ResultOf<F>[]> {
    const result = new AsyncResult<ResultOf<F>[]>(options, this.#scheduler);
    return result.comesFrom(this.#map('starmap', fn, argLists, options, result, callSite()));
  }

  /** Like {@link map}, and blocks the thread meanwhile. */
  mapSync<F extends Target>(fn: F, items: Iterable<ItemOf<F>>, options?: TaskOptions): ResultOf<F>[] {
    this.#scheduler.mustStartWhileBlocked();
    return this.mapAsync(fn, syncInput('mapSync', items), options).getSync();
  }

  /** Like {@link starmap}, and blocks the thread meanwhile. */
  starmapSync<F extends Target>(
    fn: F,
    argLists: Iterable<Readonly<ArgsOf<F>>>,
    options?: TaskOptions,
  ): ResultOf<F>[] {
    this.#scheduler.mustStartWhileBlocked();
    return this.starmapAsync(fn, syncInput('starmapSync', argLists), options).getSync();
  }

  /**
   * `fn(item)` for each item of an iterable or async iterable of any length; the results in order. The input is taken
   * only a bounded number of items ahead of the consumer. An item's error is thrown in its place; the iteration can go on.
   */
  imap<F extends Target>(
    fn: F,
    items: Input<ItemOf<F>>,
    options: TaskOptions & Settled,
  ): AsyncIterableIterator<PromiseSettledResult<ResultOf<F>>>;
  imap<F extends Target>(
    fn: F,
    items: Input<ItemOf<F>>,
    options?: TaskOptions,
  ): AsyncIterableIterator<ResultOf<F>>;
  imap(fn: Target, items: Input<unknown>, options?: TaskOptions): AsyncIterableIterator<unknown> {
    return this.#iterate('imap', fn, items, true, options);
  }

  /** Like {@link imap}, but the results come as they finish. */
  imapUnordered<F extends Target>(
    fn: F,
    items: Input<ItemOf<F>>,
    options: TaskOptions & Settled,
  ): AsyncIterableIterator<PromiseSettledResult<ResultOf<F>>>;
  imapUnordered<F extends Target>(
    fn: F,
    items: Input<ItemOf<F>>,
    options?: TaskOptions,
  ): AsyncIterableIterator<ResultOf<F>>;
  imapUnordered(fn: Target, items: Input<unknown>, options?: TaskOptions): AsyncIterableIterator<unknown> {
    return this.#iterate('imapUnordered', fn, items, false, options);
  }

  /** Like {@link imap}; each step blocks the thread until its result is there. */
  imapSync<F extends Target>(
    fn: F,
    items: Iterable<ItemOf<F>>,
    options?: TaskOptions,
  ): IterableIterator<ResultOf<F>> {
    return this.#iterateSync('imapSync', fn, items, true, options);
  }

  /** Like {@link imapSync}, but the results come as they finish. */
  imapUnorderedSync<F extends Target>(
    fn: F,
    items: Iterable<ItemOf<F>>,
    options?: TaskOptions,
  ): IterableIterator<ResultOf<F>> {
    return this.#iterateSync('imapUnorderedSync', fn, items, false, options);
  }

  #iterateSync<R>(
    verb: string,
    fn: Target,
    items: Iterable<unknown>,
    ordered: boolean,
    options: TaskOptions | undefined,
  ): IterableIterator<R> {
    this.#scheduler.mustStartWhileBlocked();
    const results = this.#iterate<R>(verb, fn, syncInput(verb, items), ordered, options);
    return {
      next: () => results.nextSync(),
      return: () => results.returnSync(),
      [Symbol.iterator]() {
        return this;
      },
    };
  }

  /**
   * What the generator `fn(...args)` yields, as it comes; the task runs only a bounded number of values ahead of its
   * consumer. Leaving the loop stops it. `taskTimeout` is for the whole; `retries` do not apply.
   */
  stream<F extends Target>(
    fn: F,
    args?: Readonly<ArgsOf<F>>,
    options?: TaskOptions,
  ): AsyncIterableIterator<YieldOf<F>> {
    const stream = new PoolStream<YieldOf<F>>(this.#scheduler);
    const site = callSite();
    return stream.comesFrom(this.#apply(fn, args, { ...options, retries: 0 }, stream, site, Flag.Stream));
  }

  /**
   * `fn(...args)` once in every worker, after starting those that are missing; the results in the order of the workers.
   * Workers that are started later do not run it: that is what `initializer` is for.
   */
  broadcast<F extends Target>(
    fn: F,
    args: Readonly<ArgsOf<F>> | undefined,
    options: TaskOptions & Settled,
  ): Promise<PromiseSettledResult<ResultOf<F>>[]>;
  broadcast<F extends Target>(
    fn: F,
    args?: Readonly<ArgsOf<F>>,
    options?: TaskOptions,
  ): Promise<ResultOf<F>[]>;
  async broadcast(fn: Target, args?: readonly unknown[], options?: TaskOptions): Promise<unknown[]> {
    this.#mustRun();
    const site = callSite();
    const given = args === undefined ? [] : list('broadcast argument "args"', args);
    const { terms, signal, settled, progress } = callSettings('broadcast', options, this.#defaults);
    const taskFunction = this.#functions.get(fn);
    await this.#scheduler.ready();
    this.#mustRun();
    const slots = [...this.#scheduler.slots];
    return new Promise((resolve, reject) => {
      let outcome = promised(resolve as (value: unknown) => void, reject);
      let tasks: Task[] = [];
      if (signal !== undefined) {
        const abortable = new Abortable(outcome, signal, this.#scheduler);
        outcome = abortable;
        tasks = abortable.tasks;
      }
      if (!outcome.isOpen) return;
      const job = new MapJob(
        slots.length,
        settled,
        outcome,
        Progress.of(progress, slots.length),
        () => undefined,
      );
      slots.forEach((slot, i) => {
        tasks.push(this.#submit(taskFunction, [given], Flag.Spread, i, job, terms, site, slot));
      });
    });
  }

  /** Starts all workers; resolves when they take tasks. @throws the initializer's error, or why none can be started */
  async ready(): Promise<void> {
    this.#mustRun();
    await this.#scheduler.ready();
  }

  /**
   * Starts one more worker, whatever there is to do, and tells its id; undefined if there are as many as may be, or none
   * can be started. With {@link endWorker} and the option `worker` of `apply`, for who decides what runs where.
   */
  startWorker(): number | undefined {
    this.#mustRun();
    return this.#scheduler.startWorker()?.id;
  }

  /**
   * Ends a worker: by SIGTERM, and SIGKILL a second later. What it runs rejects with WorkerLostError; what it has not
   * started goes elsewhere. Whether there is such a worker.
   */
  endWorker(id: number): boolean {
    this.#mustBeMine();
    return this.#scheduler.endWorker(integer('endWorker argument "id"', id, 1));
  }

  /** Takes no more tasks; resolves when all are done and the workers are gone. Idempotent. */
  async close(): Promise<void> {
    this.#mustBeMine();
    await this.#scheduler.close().finally(this.#unobserve);
    this.#noMoreOutput();
  }

  /** Ends the workers at once; what is not done rejects with PoolTerminatedError. Resolves when they are gone. */
  async terminate(): Promise<void> {
    this.#mustBeMine();
    await this.#scheduler.terminate().finally(this.#unobserve);
    this.#noMoreOutput();
  }

  /** Resolves when a closed or terminated pool's workers are gone. @throws InvalidStateError while the pool runs */
  async join(): Promise<void> {
    this.#mustHaveEnded();
    await this.#scheduler.gone();
  }

  /**
   * Like {@link join}, and blocks the thread meanwhile. Whether they are gone.
   * @param options `timeout` in ms. @default Infinity
   */
  joinSync(options?: SyncWaitOptions): boolean {
    this.#mustHaveEnded();
    return this.#scheduler.block(() => this.#scheduler.isGone, timeoutOption('joinSync', options));
  }

  #mustHaveEnded(): void {
    if (this.#scheduler.state !== 'running') return;
    throw new InvalidStateError('the pool is still running; close() or terminate() it before join()');
  }

  /** Calls {@link terminate}. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.terminate();
  }

  #mustBeMine(): void {
    if (this.#generation === forkGeneration()) return;
    throw new InvalidStateError(
      'the pool was created by another process, which this one was forked from, and works for that one alone; create ' +
        'a pool here',
    );
  }

  #mustRun(): void {
    this.#mustBeMine();
    if (this.#scheduler.state !== 'running')
      throw new InvalidStateError('the pool is not running: it was closed or terminated');
  }

  /** @throws WorkerLostError if there is none */
  #slotOf(id: number): Slot {
    const slot = this.#scheduler.slots.find((each) => each.id === id);
    if (slot !== undefined) return slot;
    throw new WorkerLostError(
      `there is no worker ${id} that takes tasks: it has ended, is ending, or never was`,
    );
  }

  #mustHaveRoom(): void {
    const { room } = this.#scheduler;
    if (room.isLeft()) return;
    room.refuse();
    throw new FullError(
      `${this.#scheduler.pending} tasks wait already, as many as the pool's maxPending allows; ` +
        "wait for its 'drain' event, or use map or imap, which wait by themselves",
    );
  }

  #submit(
    fn: TaskFunction,
    items: readonly unknown[],
    flags: number,
    base: number,
    sink: Sink,
    terms: Terms,
    site: CallSite | undefined,
    pinned?: Slot,
  ): Task {
    const id = this.#nextTask++ >>> 0;
    const told = terms.taskTimeout === Infinity ? flags : flags | Flag.TellStart;
    const message = encodeTask(id, fn.id, told, items);
    const task = new Task(id, fn, sink, base, items.length, terms);
    task.site = site;
    task.pinned = pinned;
    this.#scheduler.submit(task, message);
    return task;
  }

  /** What is wrong is told to the outcome; then there is no task. */
  #apply(
    fn: Target,
    args: readonly unknown[] | undefined,
    options: (TaskOptions & CallbackOptions<never>) | undefined,
    outcome: Outcome,
    site: CallSite | undefined,
    flags = 0,
  ): Task | undefined {
    try {
      this.#mustRun();
      const given = args === undefined ? [] : list('apply argument "args"', args);
      const { terms, signal, awaitStop, worker, settled, progress } = callSettings(
        'apply',
        options,
        this.#defaults,
      );
      let sink = settled ? asSettled(outcome) : outcome;
      if (progress !== undefined) sink = withProgress(sink, Progress.of(progress, 1));
      const taskFunction = this.#functions.get(fn);
      this.#mustHaveRoom();
      const pinned = worker === undefined ? undefined : this.#slotOf(worker);
      if (signal === undefined) {
        return this.#submit(taskFunction, [given], flags | Flag.Spread, 0, sink, terms, site, pinned);
      }
      const abortable = new Abortable(sink, signal, this.#scheduler, awaitStop);
      if (!abortable.isOpen) return undefined;
      const task = this.#submit(
        taskFunction,
        [given],
        flags | Flag.Spread,
        0,
        abortable,
        terms,
        site,
        pinned,
      );
      abortable.tasks.push(task);
      return task;
    } catch (error) {
      outcome.settle(0, false, error);
      return undefined;
    }
  }

  /** What is wrong is told to the outcome. The tasks may become more while asynchronous input is taken. */
  #map(
    verb: 'map' | 'starmap',
    fn: Target,
    items: Input<unknown>,
    options: (TaskOptions & CallbackOptions<never>) | undefined,
    outcome: Outcome,
    site: CallSite | undefined,
  ): Task[] {
    let tasks: Task[] = [];
    let sink = outcome;
    const fail = (error: unknown) => {
      sink.settle(0, false, error);
      this.#scheduler.cancel(tasks);
    };
    try {
      this.#mustRun();
      const input = iterable(`${verb} argument "items"`, items);
      const settings = callSettings(verb, options, this.#defaults);
      const taskFunction = this.#functions.get(fn);
      if (settings.signal !== undefined) {
        const abortable = new Abortable(outcome, settings.signal, this.#scheduler);
        tasks = abortable.tasks;
        sink = abortable;
      }
      if (!sink.isOpen) return tasks;
      if (Symbol.asyncIterator in input) {
        collect(input, () => sink.isOpen)
          .then((all) => {
            if (sink.isOpen) this.#mapAll(taskFunction, all, verb === 'starmap', settings, sink, tasks, site);
          })
          .catch(fail);
      } else {
        this.#mapAll(taskFunction, [...input], verb === 'starmap', settings, sink, tasks, site);
      }
    } catch (error) {
      fail(error);
    }
    return tasks;
  }

  #mapAll(
    fn: TaskFunction,
    all: readonly unknown[],
    spread: boolean,
    { terms, chunksize, settled, progress }: CallSettings,
    outcome: Outcome,
    tasks: Task[],
    site: CallSite | undefined,
  ): void {
    this.#mustRun();
    if (spread) all.forEach((item, i) => list(`starmap item ${i}`, item));
    if (all.length === 0) {
      outcome.settle(0, true, []);
      return;
    }
    const job = new MapJob(all.length, settled, outcome, Progress.of(progress, all.length), () => {
      this.#scheduler.cancel(tasks);
    });
    const size = chunksize ?? Math.ceil(all.length / (4 * this.processes));
    const flags = spread ? Flag.Spread : 0;
    const { room } = this.#scheduler;
    let next = 0;
    const handIn = (): void => {
      while (next < all.length && outcome.isOpen) {
        if (!room.isLeft() && this.#scheduler.state === 'running') {
          room.whenLeft(again);
          return;
        }
        this.#mustRun();
        tasks.push(this.#submit(fn, all.slice(next, next + size), flags, next, job, terms, site));
        next += size;
      }
    };
    const again = (): void => {
      try {
        handIn();
      } catch (error) {
        outcome.settle(0, false, error);
        this.#scheduler.cancel(tasks);
      }
    };
    handIn();
  }

  #iterate<R>(
    verb: string,
    fn: Target,
    items: Input<unknown>,
    ordered: boolean,
    options: TaskOptions | undefined,
  ): PoolIterator<R> {
    this.#mustRun();
    const input = iterable(`${verb} argument "items"`, items);
    const { chunksize = 1, settled, signal, terms, progress } = callSettings(verb, options, this.#defaults);
    const taskFunction = this.#functions.get(fn);
    const scheduler = this.#scheduler;
    const site = callSite();
    return new PoolIterator<R>(
      input,
      {
        submit: (chunk, base, sink) => {
          this.#mustRun();
          return this.#submit(taskFunction, chunk, 0, base, sink, terms, site);
        },
        cancel: (tasks) => {
          scheduler.cancel(tasks);
        },
        stop: (tasks, reason) => {
          scheduler.stop(tasks, reason);
        },
        block: (done, timeout) => scheduler.block(done, timeout),
        get hasRoom() {
          return scheduler.room.isLeft();
        },
        whenRoom: (act) => {
          scheduler.room.whenLeft(act);
        },
      },
      {
        ordered,
        settled,
        chunksize,
        signal,
        progress: Progress.of(progress, lengthOf(items)),
        lookAhead: Math.max(64, LOOK_AHEAD * this.processes * chunksize),
      },
    ).begin();
  }
}

function promised(resolve: (value: unknown) => void, reject: (error: unknown) => void): Outcome {
  return {
    isOpen: true,
    settle: (_index, ok, value) => {
      if (ok) resolve(value);
      else reject(value);
    },
  };
}

function asSettled(outcome: Outcome): Outcome {
  return {
    get isOpen() {
      return outcome.isOpen;
    },
    settle: (index, ok, value) => {
      outcome.settle(index, true, settledResult(ok, value));
    },
  };
}

function withProgress(outcome: Outcome, progress: Progress | undefined): Outcome {
  return {
    get isOpen() {
      return outcome.isOpen;
    },
    said: (value) => progress?.said(value),
    yielded: (value) => outcome.yielded?.(value),
    settle: (index, ok, value) => {
      progress?.step();
      outcome.settle(index, ok, value);
    },
  };
}

/** Of input that tells. */
function lengthOf(items: Input<unknown>): number | undefined {
  const { length, size } = items as { length?: unknown; size?: unknown };
  return typeof length === 'number' ? length : typeof size === 'number' ? size : undefined;
}

async function collect(input: AsyncIterable<unknown>, wanted: () => boolean): Promise<unknown[]> {
  const all: unknown[] = [];
  for await (const item of input) {
    if (!wanted()) break;
    all.push(item);
  }
  return all;
}

function syncInput<T>(verb: string, items: Iterable<T>): Iterable<T> {
  if (typeof items === 'object' && !(Symbol.iterator in items))
    throw invalid(`${verb} argument "items"`, 'an iterable; async iterables are for the async forms', items);
  return items;
}
