import { ref } from '../../function-ref';
import { Pool as ProcessPool } from '../../pool/pool';
import { cpus } from './environment';
import { translated } from './errors';
import { Promise as CancellablePromise } from './promise';
import { queueOf } from './queues';
import type {
  ExecOptions,
  Proxy,
  Task,
  TaskQueue,
  WorkerArg,
  WorkerOptions,
  WorkerPoolOptions,
} from './types';
import type * as worker from './worker';
import { overridesFor } from './worker-options';

const path = require.resolve('./worker');
const prepare = ref<typeof worker.prepare>(path, 'prepare');
const execute = ref<typeof worker.execute>(path, 'execute');
const leave = ref<typeof worker.leave>(path, 'leave');

/** The workers of a pool from its first task, or the first after `terminate`, to the next `terminate`. */
interface Crew {
  readonly processes: ProcessPool;
  /** With what those were created that have not ended. */
  readonly created: Map<number, WorkerArg>;
}

/**
 * The pool of workerpool. Tasks wait in its own queue, whose strategy is the user's; those that a worker is free for go
 * to a pool of processes, which knows the workers.
 */
export class Pool {
  readonly script: string | null;
  readonly forkArgs: readonly string[];
  readonly forkOpts: any;
  readonly workerOpts: Readonly<WorkerOptions>;
  readonly workerThreadOpts: any;
  /** @deprecated */
  readonly nodeWorker: any;
  readonly workerType: 'auto' | 'web' | 'process' | 'thread';
  readonly maxQueueSize: number;
  readonly workerTerminateTimeout: number;
  readonly onCreateWorker: ((arg: WorkerArg) => WorkerArg | undefined) | (() => null);
  readonly onTerminateWorker: (arg: WorkerArg) => void;
  readonly emitStdStreams: boolean;
  readonly maxWorkers: number;
  readonly minWorkers: number | undefined;
  readonly #queue: TaskQueue;
  readonly #crews = new Set<Crew>();
  #crew: Crew | undefined;
  /** Tasks that workers have. */
  #active = 0;
  /** Why the last worker could not be created. */
  #refusal: { readonly error: unknown } | undefined;

  constructor(script?: string, given: WorkerPoolOptions = {}) {
    const options = given as WorkerPoolOptions & { nodeWorker?: WorkerPoolOptions['workerType'] };
    this.script = script ?? null;
    this.#queue = queueOf(options.queueStrategy ?? 'fifo');
    this.forkArgs = Object.freeze(options.forkArgs ?? []);
    this.forkOpts = Object.freeze(options.forkOpts ?? {});
    this.workerOpts = Object.freeze(options.workerOpts ?? {});
    this.workerThreadOpts = Object.freeze(options.workerThreadOpts ?? {});
    // eslint-disable-next-line @typescript-eslint/no-deprecated -- of workerpool
    this.nodeWorker = options.nodeWorker;
    this.workerType = options.workerType ?? options.nodeWorker ?? 'auto';
    this.maxQueueSize = options.maxQueueSize ?? Infinity;
    this.workerTerminateTimeout = options.workerTerminateTimeout ?? 1000;
    this.onCreateWorker = options.onCreateWorker ?? (() => null);
    this.onTerminateWorker = options.onTerminateWorker ?? (() => undefined);
    this.emitStdStreams = options.emitStdStreams ?? false;
    const { minWorkers } = options;
    const most =
      'maxWorkers' in options ? workers('maxWorkers', options.maxWorkers, 1) : Math.max(cpus - 1, 1);
    this.minWorkers =
      minWorkers === undefined && !('minWorkers' in options)
        ? undefined
        : minWorkers === 'max'
          ? most
          : workers('minWorkers', minWorkers, 0);
    this.maxWorkers = Math.max(most, this.minWorkers ?? 0);
    if (this.minWorkers) this.#crew = this.#gather();
    this.#throwRefusal();
  }

  /**
   * Runs a function in a worker: one that the worker has registered, by its name, or any, sent as its text.
   * @throws TypeError for a method or params of another type
   * @throws Error if `maxQueueSize` tasks wait
   */
  exec<T extends (...args: any[]) => any>(
    method: string | T,
    params?: Parameters<T> | null,
    options?: ExecOptions,
  ): CancellablePromise<ReturnType<T>> {
    if (params && !Array.isArray(params)) throw new TypeError('Array expected as argument "params"');
    if (typeof method === 'function') return this.#submit('run', [String(method), params ?? []], options);
    if (typeof method === 'string') return this.#submit(method, params ?? undefined, options);
    throw new TypeError('Function or string expected as argument "method"');
  }

  /** An object with the functions that the workers have registered. */
  proxy<T extends Record<string, (...args: any[]) => any>>(...args: any[]): CancellablePromise<Proxy<T>> {
    if (args.length > 0) throw new Error('No arguments expected');
    return this.#submit('methods', undefined, undefined).then(
      (methods: string[]) =>
        Object.fromEntries(
          methods.map((name) => [name, (...params: any[]) => this.exec(name, params)]),
        ) as unknown as Proxy<T>,
    );
  }

  /**
   * Ends the workers: at once, or when they have done what they run. What waits rejects. A later `exec` starts new ones.
   * @param timeout ms after which the workers are ended at once
   */
  terminate(force = false, timeout?: number): CancellablePromise<void> {
    for (let task = this.#take(); task !== undefined; task = this.#take())
      task.resolver.reject(new Error('Pool terminated'));
    this.#queue.clear();
    const { promise, resolve, reject } = CancellablePromise.defer();
    const crew = this.#crew;
    this.#crew = undefined;
    if (crew === undefined) {
      resolve([]);
      return promise;
    }
    const { processes, created } = crew;
    const count = created.size;
    (force ? processes.terminate() : processes.close()).then(
      () => {
        for (const id of [...created.keys()]) this.#ended(crew, id);
        this.#crews.delete(crew);
        resolve(Array.from({ length: count }));
      },
      (error: unknown) => void reject(error),
    );
    if (timeout) {
      const timer = setTimeout(() => void processes.terminate(), timeout);
      void promise.finally(() => {
        clearTimeout(timer);
      });
    }
    return promise;
  }

  stats(): {
    totalWorkers: number;
    busyWorkers: number;
    idleWorkers: number;
    pendingTasks: number;
    activeTasks: number;
  } {
    let totalWorkers = 0;
    for (const { processes } of this.#crews) totalWorkers += processes.stats().workers.length;
    const busyWorkers = Math.min(this.#active, totalWorkers);
    return {
      totalWorkers,
      busyWorkers,
      idleWorkers: totalWorkers - busyWorkers,
      pendingTasks: this.#queue.size(),
      activeTasks: busyWorkers,
    };
  }

  #submit(
    method: string,
    params: any[] | undefined,
    options: ExecOptions | undefined,
  ): CancellablePromise<any> {
    if (this.#queue.size() >= this.maxQueueSize)
      throw new Error(`Max queue size of ${this.maxQueueSize} reached`);
    const resolver = CancellablePromise.defer();
    const { promise } = resolver;
    const task: Task = { method, params, resolver, timeout: null, options };
    this.#queue.push(task);
    // A limit counts from the start of the task.
    const limit = promise.timeout.bind(promise);
    promise.timeout = (delay) => {
      if (!this.#queue.contains(task)) return limit(delay);
      task.timeout = delay;
      return promise;
    };
    this.#next();
    this.#throwRefusal();
    return promise;
  }

  #take(): Task | undefined {
    return this.#queue.size() > 0 ? this.#queue.pop() : undefined;
  }

  #next(): void {
    while (this.#active < this.maxWorkers) {
      const task = this.#take();
      if (task === undefined) return;
      if (task.resolver.promise.pending) this.#start(task);
    }
  }

  /** A task counts as active until its worker is free again, or gone. */
  #start({ method, params, resolver, timeout, options }: Task): void {
    const { promise } = resolver;
    const stop = new AbortController();
    promise.catch((error: unknown) => {
      const { CancellationError, TimeoutError } = CancellablePromise;
      if (error instanceof CancellationError || error instanceof TimeoutError) stop.abort(error);
    });
    const { on, transfer } = options ?? {};
    this.#active++;
    const over = (settle: () => void) => {
      this.#active--;
      settle();
      this.#next();
    };
    const { processes } = (this.#crew ??= this.#gather());
    processes
      .apply(execute, [method as string, params ?? []], {
        signal: stop.signal,
        awaitStop: true,
        killAfter: this.workerTerminateTimeout,
        ...(on && {
          progress: ({ values }) => {
            for (const value of values) on(value);
          },
        }),
      })
      .then(
        (result) => {
          over(() => void resolver.resolve(result));
        },
        (error: unknown) => {
          over(() => void resolver.reject(translated(error, this.script ?? path, this.forkArgs)));
        },
      );
    if (transfer && this.workerType !== 'process') structuredClone(null, { transfer: transfer as [] });
    if (typeof timeout === 'number') promise.timeout(timeout);
  }

  #gather(): Crew {
    const created = new Map<number, WorkerArg>();
    const { forkOpts, workerThreadOpts, workerType } = this;
    const isSilent =
      workerType === 'process'
        ? forkOpts.silent === true
        : workerThreadOpts.stdout === true && workerThreadOpts.stderr === true;
    const processes = new ProcessPool({
      processes: this.maxWorkers,
      minProcesses: this.minWorkers ?? 0,
      initializer: prepare,
      finalizer: leave,
      stdio: isSilent ? 'ignore' : 'inherit',
      eachWorker: (id) => this.#create(created, id),
    });
    const crew = { processes, created };
    processes.on('workerExit', ({ id }) => {
      this.#ended(crew, id);
    });
    this.#crews.add(crew);
    return crew;
  }

  #create(created: Crew['created'], id: number): ReturnType<typeof overridesFor> {
    try {
      const { forkArgs, forkOpts, workerOpts, workerThreadOpts, workerType, emitStdStreams } = this;
      const pools = { forkArgs: forkArgs as string[], forkOpts, workerOpts, workerThreadOpts };
      const script = this.script === null ? {} : { script: this.script };
      const arg: WorkerArg = { ...pools, ...script, ...this.onCreateWorker({ ...pools, ...script }) };
      const terminateTimeout = this.workerTerminateTimeout;
      const overrides = overridesFor(arg, workerType, { emitStdStreams, terminateTimeout });
      created.set(id, arg);
      return overrides;
    } catch (error) {
      this.#refusal = { error };
      throw error;
    }
  }

  #ended({ created }: Crew, id: number): void {
    const arg = created.get(id);
    if (arg === undefined) return;
    created.delete(id);
    const { forkArgs, forkOpts, workerThreadOpts, script } = arg;
    this.onTerminateWorker({ forkArgs, forkOpts, workerThreadOpts, script: script ?? path });
  }

  #throwRefusal(): void {
    const refusal = this.#refusal;
    this.#refusal = undefined;
    if (refusal !== undefined) throw refusal.error;
  }
}

function workers(name: string, value: unknown, least: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least) return value;
  throw new TypeError(`Option ${name} must be an integer number >= ${least}`);
}
