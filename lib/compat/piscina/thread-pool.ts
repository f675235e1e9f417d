import { on } from 'node:events';
import { SHARE_ENV } from 'node:worker_threads';
import { PoolTerminatedError, SerializationError, UnsupportedError, WorkerLostError } from '../../errors';
import { ref } from '../../function-ref';
import { Pool as ProcessPool } from '../../pool/pool';
import { limitFlags } from '../limits';
import { AbortError, type AbortSignalEventTarget } from './abort';
import { Times } from './histogram';
import { filled, type FilledOptions, type Options } from './options';
import { TaskInfo, type Request } from './task-info';
import { Thread } from './thread';
import { UNCAUGHT, type Said, type Setup, type execute as Execute, type prepare as Prepare } from './worker';

const path = require.resolve('./worker');
const prepare = ref<typeof Prepare>(path, 'prepare');
const execute = ref<typeof Execute>(path, 'execute');

/** What the pool tells its user. */
export type Emit = (event: string, ...args: unknown[]) => void;

/**
 * Tasks wait in piscina's queue, which may be the user's; those that there is room for go to a pool of processes, which
 * starts, chooses, replaces and ends the workers. Only a user's load balancer says which one runs a task.
 */
export class ThreadPool {
  readonly options: FilledOptions;
  readonly threads = new Map<number, Thread>();
  readonly started = performance.now();
  readonly runTimes: Times | undefined;
  readonly waitTimes: Times | undefined;
  completed = 0;
  needsDrain = false;
  readonly #emit: Emit;
  readonly #triggerId: () => number;
  /** Most tasks that workers have. */
  readonly #capacity: number;
  /** Those that they have. */
  readonly #running = new Set<TaskInfo>();
  #processes: ProcessPool | undefined;
  #isClosing = false;
  #isDestroying = false;
  #whenIdle: (() => void)[] = [];

  constructor(given: Options, emit: Emit, triggerId: () => number) {
    this.options = filled(given);
    this.#emit = emit;
    this.#triggerId = triggerId;
    const { recordTiming, concurrentTasksPerWorker, workerData } = this.options;
    if (recordTiming) [this.runTimes, this.waitTimes] = [new Times(), new Times()];
    this.#capacity = this.#mostWorkers * concurrentTasksPerWorker;
    structuredClone(workerData); // what cannot be sent is told here
    this.#processes = this.#gather(true);
  }

  get #mostWorkers(): number {
    return Math.ceil(this.options.maxThreads);
  }

  get queued(): number {
    return Math.max(0, this.options.taskQueue.size - this.#roomToCome);
  }

  get all(): Thread[] {
    return [...this.threads.values()];
  }

  /** As many as tasks do not need. */
  get idle(): number {
    return Math.max(0, this.all.filter((thread) => thread.isReady).length - this.#running.size);
  }

  run(request: Request): Promise<unknown> {
    return new Promise((resolve, reject) => {
      const given = request.signal as AbortSignalEventTarget | null;
      const ends = this.#isClosing || this.#isDestroying;
      if (ends || given?.aborted) {
        reject(new AbortError(ends ? 'queue is being terminated' : given?.reason));
        return;
      }
      const stranger = request.transferList.find((each) => !(each instanceof ArrayBuffer));
      if (stranger !== undefined) {
        reject(
          new UnsupportedError(
            'transferList between processes takes ArrayBuffers; in the place of a MessagePort send a Connection of Pipe(), ' +
              `which needs no transferList; got ${stranger.constructor.name}`,
          ),
        );
        return;
      }
      const task = new TaskInfo(request, this.#triggerId(), (ok, value) => {
        this.completed++;
        if (task.started > 0) this.runTimes?.record(performance.now() - task.started);
        if (ok) resolve(value);
        else reject(value);
      });
      task.whenAborted(request.signal, () => {
        reject(new AbortError(given?.reason));
        task.drop();
        if (this.#running.has(task)) {
          task.stop.abort();
          void task.thread?.terminate(); // as a balancer expects that sees it, also if the task had not started there
        } else {
          this.options.taskQueue.remove(task);
        }
        this.#settled();
      });
      this.#take(task, reject);
    });
  }

  /** Ends what runs and drops what waits. The next task starts workers again. */
  async destroy(): Promise<void> {
    this.#isDestroying = true;
    this.#dropQueue(terminated);
    for (const task of this.#running) task.done(false, terminated());
    for (const thread of this.all) this.#forget(thread);
    const processes = this.#processes;
    this.#processes = undefined;
    await processes?.terminate();
    this.#isDestroying = false;
  }

  async close(force: boolean): Promise<void> {
    this.#isClosing = true;
    if (force) this.#dropQueue(() => new AbortError('pool is closed'));
    let timer: NodeJS.Timeout | undefined;
    const isLate = await Promise.race([
      this.#isIdle ? false : new Promise<void>((resolve) => this.#whenIdle.push(resolve)),
      new Promise<true>((resolve) => {
        timer = setTimeout(resolve, this.options.closeTimeout, true);
      }),
    ]);
    clearTimeout(timer);
    if (isLate) this.#emit('error', new Error('Close operation timed out'));
    await this.destroy();
    this.#emit('close');
    this.#isClosing = false;
  }

  // ---------------------------------------------------------------------------------------------- tasks

  #take(task: TaskInfo, reject: (error: Error) => void): void {
    const { taskQueue, maxQueue } = this.options;
    if (taskQueue.size === 0 && this.#start(task)) return;
    this.#startWorker();
    if (taskQueue.size < maxQueue + this.#roomToCome) {
      taskQueue.push(task);
    } else {
      reject(
        new Error(
          maxQueue === 0 ? 'No task queue available and all Workers are busy' : 'Task queue is at limit',
        ),
      );
      task.drop();
    }
    this.#drainSoon();
  }

  /** Gives out what waits while there is room. */
  #next(): void {
    const { taskQueue, loadBalancer } = this.options;
    const isFull = () => loadBalancer === undefined && this.#running.size >= this.#capacity;
    while (taskQueue.size > 0 && !isFull()) {
      const task = taskQueue.shift() as TaskInfo;
      if (this.#start(task)) continue;
      (taskQueue.unshift ?? taskQueue.push).call(taskQueue, task);
      this.#startWorker();
      return;
    }
  }

  /** Whether there is room for it; then it is given to a worker. */
  #start(task: TaskInfo): boolean {
    const { loadBalancer, concurrentTasksPerWorker } = this.options;
    if (loadBalancer === undefined) {
      let used = task.isAbortable ? concurrentTasksPerWorker : 1;
      for (const { isAbortable } of this.#running) used += isAbortable ? concurrentTasksPerWorker : 1;
      if (used > this.#capacity) return false;
    } else {
      const ready = this.all.filter((thread) => thread.isReady);
      const thread = loadBalancer(task.interface, ready);
      if (!(thread instanceof Thread)) return false;
      task.thread = thread;
      thread.tasks.add(task);
    }
    task.started = performance.now();
    this.waitTimes?.record(task.started - task.created);
    this.#running.add(task);
    this.#drainSoon();
    (this.#processes ??= this.#gather(false))
      .apply(execute, [task.filename, task.name, task.task], {
        // Who may be aborted is alone, for its worker ends with it.
        ...(task.isAbortable && {
          signal: task.stop.signal,
          awaitStop: true,
          killAfter: 0,
          exclusive: task.thread === undefined,
        }),
        ...(task.thread !== undefined && { worker: task.thread.id }),
        progress: ({ values }) => {
          for (const said of values as Said[]) {
            if ('uncaught' in said) task.uncaught = { error: said.uncaught };
            else this.#said(said.from, said.message);
          }
        },
      })
      .then(
        (result) => {
          this.#over(task, true, result);
        },
        (error: unknown) => {
          if (error instanceof WorkerLostError && error.pid === 0 && task.thread !== undefined)
            this.#unplace(task);
          else this.#over(task, false, this.#translated(error, task));
        },
      );
    const moved = task.transferList.filter((each) => each instanceof ArrayBuffer);
    if (moved.length > 0) structuredClone(null, { transfer: moved });
    return true;
  }

  /** The worker that was chosen for it had begun to leave. */
  #unplace(task: TaskInfo): void {
    const { thread } = task;
    if (thread !== undefined) this.#forget(thread);
    thread?.tasks.delete(task);
    task.thread = undefined;
    this.#running.delete(task);
    const { taskQueue } = this.options;
    if (!task.isOver) (taskQueue.unshift ?? taskQueue.push).call(taskQueue, task);
    this.#settled();
  }

  #said(id: number, message: unknown): void {
    this.threads.get(id)?.emit('message', message);
    this.#emit('message', message);
  }

  #over(task: TaskInfo, ok: boolean, value: unknown): void {
    this.#running.delete(task);
    task.thread?.tasks.delete(task);
    task.thread?.times?.record(performance.now() - task.started);
    task.done(ok, value);
    this.#settled();
  }

  #settled(): void {
    this.#next();
    this.#drainSoon();
    if (this.#isIdle) for (const resolve of this.#whenIdle.splice(0)) resolve();
  }

  get #isIdle(): boolean {
    return this.#running.size + this.options.taskQueue.size === 0;
  }

  #dropQueue(error: () => Error): void {
    const { taskQueue } = this.options;
    while (taskQueue.size > 0) (taskQueue.shift() as TaskInfo).done(false, error());
  }

  #drainSoon(): void {
    queueMicrotask(() => {
      const isFull = this.#running.size >= this.#capacity;
      if (!isFull && !this.needsDrain) return;
      this.needsDrain = isFull;
      queueMicrotask(() => {
        this.#emit(isFull ? 'needsDrain' : 'drain');
      });
    });
  }

  #translated(error: unknown, task: TaskInfo): unknown {
    if (error instanceof PoolTerminatedError) return terminated();
    if (error instanceof SerializationError)
      return new DOMException(`${error.message}; it could not be cloned.`, 'DataCloneError');
    if (!(error instanceof WorkerLostError)) return error;
    if (task.uncaught !== undefined) return task.uncaught.error;
    return exited(error, this.options);
  }

  // ---------------------------------------------------------------------------------------------- workers

  /** Tasks that may wait for workers which start; without a balancer those are given to them at once. */
  get #roomToCome(): number {
    const { loadBalancer, concurrentTasksPerWorker } = this.options;
    if (loadBalancer === undefined) return 0;
    return this.all.filter((thread) => !thread.isReady).length * concurrentTasksPerWorker;
  }

  /** One more for the balancer; else the pool of processes knows when. */
  #startWorker(): void {
    if (this.options.loadBalancer === undefined) return;
    if (this.threads.size < this.#mostWorkers) (this.#processes ??= this.#gather(false)).startWorker();
  }

  /** @param areReady the first workers count as ready, as there is nothing else to give tasks to */
  #gather(areReady: boolean): ProcessPool {
    const { argv, env, execArgv, resourceLimits, workerData, niceIncrement, filename, name } = this.options;
    const { minThreads, idleTimeout, concurrentTasksPerWorker, workerHistogram } = this.options;
    const flags = [...(execArgv ?? []), ...limitFlags(resourceLimits)];
    const ownEnv =
      typeof env === 'object' && (env as unknown) !== SHARE_ENV && (env as unknown) !== null
        ? env
        : undefined;
    let isFirst = areReady;
    const processes = new ProcessPool({
      processes: this.#mostWorkers,
      minProcesses: minThreads,
      concurrency: concurrentTasksPerWorker,
      idleTimeout,
      initializer: prepare,
      eachWorker: (id) => {
        const times = workerHistogram ? new Times() : undefined;
        const thread: Thread = new Thread(id, isFirst, times, () => {
          this.#forget(thread);
          return ended(processes, id);
        });
        this.threads.set(id, thread);
        queueMicrotask(() => {
          this.#emit('workerCreate', thread);
        });
        return { initargs: [{ id, argv, workerData, niceIncrement, filename, name } satisfies Setup] };
      },
      ...(ownEnv !== undefined && { env: ownEnv }),
      ...((execArgv !== undefined || flags.length > 0) && { execArgv: flags }),
    });
    isFirst = false;
    processes.on('workerStart', ({ id, pid }) => {
      const thread = this.threads.get(id);
      if (thread === undefined || this.#processes !== processes) return;
      thread.pid = pid;
      thread.isReady = true;
      this.#next();
    });
    processes.on('workerExit', ({ id, lost, ...how }) => {
      const thread = this.#processes === processes ? this.threads.get(id) : undefined;
      if (thread === undefined) return;
      this.#forget(thread);
      const isBad = how.exitCode === UNCAUGHT || !thread.isReady;
      if (isBad && lost === 0) this.#emit('error', exited(how, this.options));
      this.#next();
    });
    return processes;
  }

  /** It is no thread of this pool any more. */
  #forget(thread: Thread): void {
    if (!this.threads.delete(thread.id)) return;
    thread.destroyed = true;
    this.#emit('workerDestroy', thread);
  }
}

/** Ends a worker at once, whatever it runs; how it ended. */
async function ended(processes: ProcessPool, id: number): Promise<number> {
  if (!processes.endWorker(id)) return 0;
  for await (const [exit] of on(processes, 'workerExit') as AsyncIterable<
    [{ id: number; exitCode: number | null }]
  >)
    if (exit.id === id) return exit.exitCode ?? 1;
  return 0;
}

function terminated(): Error {
  return new Error('Terminating worker thread');
}

function exited(
  { exitCode, signal }: Pick<WorkerLostError, 'exitCode' | 'signal'>,
  { resourceLimits }: Options,
): Error {
  if (resourceLimits !== undefined && (signal === 'SIGABRT' || signal === 'SIGTRAP' || exitCode === 134)) {
    const error = new Error('Worker terminated due to reaching memory limit: JS heap out of memory');
    return Object.assign(error, { code: 'ERR_WORKER_OUT_OF_MEMORY' });
  }
  if (exitCode === UNCAUGHT) return new Error('worker ended by an error that nobody caught: see its stderr');
  return new Error(`worker exited with code: ${signal ?? exitCode}`);
}
