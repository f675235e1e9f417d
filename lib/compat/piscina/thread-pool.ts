import { SHARE_ENV } from 'node:worker_threads';
import { backend } from '../../backend';
import { isEnding } from '../../children';
import { SerializationError, UnsupportedError, WorkerLostError } from '../../errors';
import { ref } from '../../function-ref';
import { Pool as ProcessPool } from '../../pool/pool';
import { limitFlags } from '../limits';
import { AbortError, type AbortSignalEventTarget } from './abort';
import { leastBusy, type PiscinaLoadBalancer } from './balancer';
import { Times } from './histogram';
import { filled, type FilledOptions, type Options } from './options';
import { TaskInfo, type Request } from './task-info';
import { Thread } from './thread';
import { UNCAUGHT, type Said, type Setup, type execute as Execute, type prepare as Prepare } from './worker';

const path = require.resolve('./worker');
const prepare = ref<typeof Prepare>(path, 'prepare');
const execute = ref<typeof Execute>(path, 'execute');

/** More workers than any pool of piscina has: how many there are is decided here. */
const MOST_PROCESSES = 4096;

/** What the pool tells its user. */
export type Emit = (event: string, ...args: unknown[]) => void;

/**
 * Which worker runs what and when is told by piscina's options: a queue and a load balancer that may be the user's. What
 * is to run goes to the worker of a pool of processes that was chosen; that pool starts, feeds and ends them.
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
  readonly #balance: PiscinaLoadBalancer;
  readonly #processes: ProcessPool;
  /** Taken from the queue, and no worker was free for them. */
  #skipped: TaskInfo[] = [];
  #isClosing = false;
  #isDestroying = false;
  #isStarting = true;
  #whenChanged: (() => void)[] = [];
  readonly #exits = new Map<number, (code: number) => void>();

  constructor(given: Options, emit: Emit, triggerId: () => number) {
    this.options = filled(given);
    this.#emit = emit;
    this.#triggerId = triggerId;
    const { recordTiming, concurrentTasksPerWorker, loadBalancer, workerData } = this.options;
    if (recordTiming) [this.runTimes, this.waitTimes] = [new Times(), new Times()];
    this.#balance = loadBalancer ?? leastBusy(concurrentTasksPerWorker);
    structuredClone(workerData); // what cannot be sent is told here
    this.#processes = this.#makePool();
    this.#ensureMinimum();
    this.#isStarting = false;
  }

  get queued(): number {
    const starting = this.all.filter((thread) => !thread.isReady).length;
    const waiting = this.options.taskQueue.size + this.#skipped.length;
    return Math.max(0, waiting - starting * this.options.concurrentTasksPerWorker);
  }

  get all(): Thread[] {
    return [...this.threads.values()];
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
      const release = this.#hold();
      const task = new TaskInfo(request, this.#triggerId(), (ok, value) => {
        release();
        this.completed++;
        if (task.started > 0) this.runTimes?.record(performance.now() - task.started);
        if (ok) resolve(value);
        else reject(value);
        this.#drainSoon();
      });
      if (request.signal !== null) {
        task.whenAborted(request.signal, () => {
          reject(new AbortError(given?.reason));
          release();
          this.#abort(task);
        });
      }
      this.#take(task, (error) => {
        reject(error);
        release();
      });
      this.#drainSoon();
    });
  }

  async destroy(): Promise<void> {
    this.#isDestroying = true;
    for (const task of this.#takeQueue()) task.done(false, terminated());
    await Promise.all(this.all.map((thread) => this.#end(thread)));
    this.#isDestroying = false;
  }

  async close(force: boolean): Promise<void> {
    this.#isClosing = true;
    if (force) for (const task of this.#takeQueue()) task.done(false, new AbortError('pool is closed'));
    let timer: NodeJS.Timeout | undefined;
    const isLate = new Promise<boolean>((resolve) => {
      timer = setTimeout(resolve, this.options.closeTimeout, true);
    });
    if (await Promise.race([this.#idle(), isLate]))
      this.#emit('error', new Error('Close operation timed out'));
    clearTimeout(timer);
    await this.destroy();
    this.#emit('close');
    this.#isClosing = false;
  }

  // ---------------------------------------------------------------------------------------------- tasks

  /** A task keeps the program alive, also while it waits for a worker to start. */
  #hold(): () => void {
    let isHeld = true;
    backend.hold(1);
    return () => {
      if (isHeld) backend.hold(-1);
      isHeld = false;
    };
  }

  #take(task: TaskInfo, reject: (error: Error) => void): void {
    const { taskQueue, maxQueue, maxThreads, concurrentTasksPerWorker } = this.options;
    const starting = this.all.filter((thread) => !thread.isReady).length * concurrentTasksPerWorker;
    if (taskQueue.size > 0) {
      if (taskQueue.size >= maxQueue + starting) {
        reject(new Error(maxQueue === 0 ? NO_QUEUE : 'Task queue is at limit'));
        return;
      }
      taskQueue.push(task);
      if (this.threads.size < maxThreads) this.#add();
      return;
    }
    if (
      this.#distribute(
        task,
        this.all.filter((thread) => thread.isReady),
      )
    )
      return;
    if (this.threads.size < maxThreads) this.#add();
    if (maxQueue <= 0 && this.all.every((thread) => thread.isReady)) {
      this.#unqueue(task);
      reject(new Error(NO_QUEUE));
    }
  }

  /** Whether nothing more need be done for it. */
  #distribute(task: TaskInfo, threads: Thread[]): boolean {
    if (task.aborted) return true;
    const thread = this.#balance(task.interface, threads);
    if (thread instanceof Thread) {
      task.started = performance.now();
      this.waitTimes?.record(task.started - task.created);
      this.#start(task, thread);
      this.#drainSoon();
      return true;
    }
    const { taskQueue, stricterFIFO } = this.options;
    if (task.isAbortable) {
      if (stricterFIFO) this.#skipped.unshift(task);
      else this.#skipped.push(task);
    } else if (stricterFIFO && taskQueue.unshift !== undefined) {
      taskQueue.unshift(task);
    } else {
      taskQueue.push(task);
    }
    return false;
  }

  #start(task: TaskInfo, thread: Thread): void {
    task.thread = thread;
    thread.tasks.add(task);
    clearTimeout(thread.idleTimer);
    this.#processes
      .apply(execute, [task.filename, task.name, task.value], {
        worker: thread.id,
        progress: ({ values }) => {
          for (const said of values as Said[]) {
            if ('uncaught' in said) task.uncaught = { error: said.uncaught };
            else this.#said(thread, said.message);
          }
        },
      })
      .then(
        (result) => {
          this.#over(task, thread, true, result);
        },
        (error: unknown) => {
          if (error instanceof WorkerLostError) this.#lost(thread, error);
          else this.#over(task, thread, false, error);
        },
      );
    const moved = task.transferList.filter((each) => each instanceof ArrayBuffer);
    if (moved.length > 0) structuredClone(null, { transfer: moved });
  }

  #said(thread: Thread, message: unknown): void {
    thread.emit('message', message);
    this.#emit('message', message);
  }

  #over(task: TaskInfo, thread: Thread, ok: boolean, value: unknown): void {
    thread.tasks.delete(task);
    thread.times?.record(performance.now() - task.started);
    task.done(ok, value instanceof SerializationError && !ok ? notCloned(value) : value);
    this.#available(thread);
    this.#changed();
  }

  #abort(task: TaskInfo): void {
    const { thread } = task;
    if (thread === undefined) {
      this.#unqueue(task);
      this.#changed();
    } else if (thread.tasks.has(task)) {
      void this.#end(thread);
      this.#ensureMinimum();
      this.#goOn();
    }
  }

  #unqueue(task: TaskInfo): void {
    const index = this.#skipped.indexOf(task);
    if (index >= 0) this.#skipped.splice(index, 1);
    else this.options.taskQueue.remove(task);
  }

  #takeQueue(): TaskInfo[] {
    const tasks = this.#skipped.splice(0);
    while (this.options.taskQueue.size > 0) tasks.push(this.options.taskQueue.shift() as TaskInfo);
    return tasks;
  }

  /** Gives a worker that has room what waits, and lets it go if nothing does. */
  #available(thread: Thread): void {
    if (thread.destroyed) return;
    this.#goOn();
    const { idleTimeout, minThreads } = this.options;
    if (idleTimeout === Infinity || thread.currentUsage > 0 || this.threads.size <= minThreads) return;
    clearTimeout(thread.idleTimer);
    thread.idleTimer = setTimeout(() => {
      if (thread.currentUsage === 0 && this.threads.size > minThreads) void this.#end(thread);
    }, idleTimeout).unref();
  }

  #goOn(): void {
    const { taskQueue, maxThreads } = this.options;
    for (;;) {
      const task =
        this.#skipped.shift() ?? (taskQueue.size > 0 ? (taskQueue.shift() as TaskInfo) : undefined);
      if (task === undefined || !this.#distribute(task, this.all)) {
        if (task !== undefined && this.threads.size < maxThreads) this.#add();
        return;
      }
    }
  }

  #drainSoon(): void {
    queueMicrotask(() => {
      const { maxThreads, concurrentTasksPerWorker } = this.options;
      let usage = 0;
      for (const { currentUsage } of this.threads.values()) usage += currentUsage;
      const capacity = maxThreads * concurrentTasksPerWorker;
      if (usage === capacity) {
        this.needsDrain = true;
        queueMicrotask(() => {
          this.#emit('needsDrain');
        });
      } else if (usage < capacity && this.needsDrain) {
        this.needsDrain = false;
        queueMicrotask(() => {
          this.#emit('drain');
        });
      }
    });
  }

  /** Resolves when nothing runs and nothing waits. */
  async #idle(): Promise<void> {
    while (
      this.options.taskQueue.size + this.#skipped.length > 0 ||
      this.all.some((thread) => thread.currentUsage > 0)
    )
      await new Promise<void>((resolve) => this.#whenChanged.push(resolve));
  }

  #changed(): void {
    for (const resolve of this.#whenChanged.splice(0)) resolve();
  }

  // ---------------------------------------------------------------------------------------------- workers

  #makePool(): ProcessPool {
    const { argv, env, execArgv, resourceLimits, workerData, niceIncrement, filename, name } = this.options;
    const flags = [...(execArgv ?? []), ...limitFlags(resourceLimits)];
    const ownEnv =
      typeof env === 'object' && (env as unknown) !== SHARE_ENV && (env as unknown) !== null
        ? env
        : undefined;
    const processes = new ProcessPool({
      processes: MOST_PROCESSES,
      concurrency: this.options.concurrentTasksPerWorker,
      initializer: prepare,
      eachWorker: (id) => ({
        initargs: [{ id, argv, workerData, niceIncrement, filename, name } satisfies Setup],
      }),
      ...(ownEnv !== undefined && { env: ownEnv }),
      ...((execArgv !== undefined || flags.length > 0) && { execArgv: flags }),
    });
    processes.on('workerStart', ({ id, pid }) => {
      const thread = this.threads.get(id);
      if (thread === undefined) return;
      thread.pid = pid;
      if (thread.isReady) return;
      thread.isReady = true;
      this.#emit('workerCreate', thread);
      this.#available(thread);
    });
    processes.on('workerExit', ({ id, exitCode, signal }) => {
      const thread = this.threads.get(id);
      const isBad = exitCode === UNCAUGHT || thread?.isReady === false;
      // What it ran tells of it after what it had still to say.
      if (thread?.tasks.size === 0) this.#lost(thread, { exitCode, signal }, isBad);
      this.#exits.get(id)?.(exitCode ?? 1);
      this.#exits.delete(id);
    });
    return processes;
  }

  #ensureMinimum(): void {
    // At the end of the program workers are ended, and not replaced.
    if (this.#isClosing || this.#isDestroying || isEnding()) return;
    while (this.threads.size < this.options.minThreads && this.#add());
  }

  /** false: none can be started. */
  #add(): boolean {
    if (this.#isClosing) return false;
    const id = this.#processes.startWorker();
    if (id === undefined) return false;
    const isReady = this.#isStarting; // the first ones count as ready, as there is nothing else to give tasks to
    const times = this.options.workerHistogram ? new Times() : undefined;
    const thread: Thread = new Thread(id, isReady, times, () => this.#end(thread));
    this.threads.set(id, thread);
    if (isReady) {
      queueMicrotask(() => {
        this.#emit('workerCreate', thread);
        this.#available(thread);
      });
    }
    return true;
  }

  /** Ends a worker at once, whatever it runs; resolves when its process is gone. */
  #end(thread: Thread): Promise<number> {
    if (!this.#forget(thread)) return Promise.resolve(0);
    for (const task of thread.tasks) task.done(false, terminated());
    thread.tasks.clear();
    return new Promise((resolve) => {
      this.#exits.set(thread.id, resolve);
      if (!this.#processes.endWorker(thread.id)) resolve(0);
      this.#changed();
    });
  }

  /** Whether it was there. */
  #forget(thread: Thread): boolean {
    if (!this.threads.delete(thread.id)) return false;
    clearTimeout(thread.idleTimer);
    thread.destroyed = true;
    this.#emit('workerDestroy', thread);
    return true;
  }

  /** It has ended by itself, with all that it ran. */
  #lost(thread: Thread, how: Pick<WorkerLostError, 'exitCode' | 'signal'>, isBad = false): void {
    if (!this.#forget(thread)) return;
    const tasks = [...thread.tasks];
    thread.tasks.clear();
    this.#ensureMinimum();
    for (const task of tasks) task.done(false, task.uncaught?.error ?? exited(how, this.options));
    if (tasks.length === 0 && isBad) this.#emit('error', exited(how, this.options));
    this.#goOn();
    this.#changed();
  }
}

const NO_QUEUE = 'No task queue available and all Workers are busy';

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

/** Of what cannot be sent, as of a thread. */
function notCloned(error: SerializationError): Error {
  return new DOMException(`${error.message}; it could not be cloned.`, 'DataCloneError');
}
