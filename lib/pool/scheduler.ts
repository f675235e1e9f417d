import { backend } from '../backend';
import { debug } from '../debug';
import { LaunchError, PoolTerminatedError, WorkerLostError } from '../errors';
import type { ProcessOptions } from '../process';
import type { Writer } from '../serializer';
import { describeExit } from '../signals';
import { skipItems } from './protocol';
import { noteOrigin } from './remote-info';
import type { Task } from './task';
import { PoolWorker, type WorkerEvents } from './worker';
import type { Initializer } from './worker-main';

/** Tasks on a worker's ring: enough that it never waits for the parent. What it has not started can be taken back. */
const WINDOW = 128;
/** Workers that ended before they were ready, one after the other, until what is pending is given up. */
const MOST_FAILED_STARTS = 3;

/**
 * Gives tasks to workers. Invariants: a task that is not settled is in `#pending` or in exactly one worker; and no task
 * lies on a worker's ring behind a running one while another worker is idle.
 */
export class Scheduler {
  readonly #processes: number;
  /** Less than {@link #processes} while the system refuses more. */
  #mostWorkers: number;
  readonly #processOptions: ProcessOptions;
  readonly #initializer: Initializer | undefined;
  readonly #workers: PoolWorker[] = [];
  /** The idle one that finished last comes first: its core is hot. */
  #hottest: PoolWorker | undefined;
  #pending: Task[] = [];
  #pendingFirst = 0;
  #outstanding = 0;
  #nextWorker = 1;
  #failedStarts = 0;
  /** Why no worker of this pool can take tasks: its initializer fails, or its processes end at once. */
  #broken: { readonly error: unknown } | undefined;
  #state: 'running' | 'closing' | 'terminated' = 'running';
  #whenChanged: (() => void)[] = [];

  readonly #events: WorkerEvents = {
    ready: () => {
      this.#failedStarts = 0;
      this.#changed();
    },
    result: (worker, task, index, ok, value) => {
      this.#settle(worker, task, index, ok, value);
    },
    initializerFailed: (worker, error) => {
      debug(`initializer of PoolWorker-${worker.id} failed`);
      worker.ready = true; // what follows is no failed start, but told
      // Not now: the message is still being read.
      queueMicrotask(() => {
        this.#breakDown(error);
      });
    },
    returned: (task) => {
      this.#requeue([task]);
    },
    drained: (worker) => {
      this.#feed();
      if (worker.load === 0 && worker.ready) {
        this.#hottest = worker;
        this.#rebalance(worker);
      }
    },
    ended: (worker, notStarted) => {
      this.#lost(worker, notStarted);
    },
    notStarted: (worker, tasks, error) => {
      this.#notStarted(worker, tasks, error);
    },
  };

  constructor(processes: number, processOptions: ProcessOptions, initializer: Initializer | undefined) {
    this.#processes = processes;
    this.#mostWorkers = processes;
    this.#processOptions = processOptions;
    this.#initializer = initializer;
  }

  get workers(): readonly PoolWorker[] {
    return this.#workers;
  }

  get state(): 'running' | 'closing' | 'terminated' {
    return this.#state;
  }

  /** Takes a task whose message is in the writer. */
  submit(task: Task, message: Writer): void {
    if (this.#broken !== undefined) {
      for (; task.done < task.count; task.done++)
        task.sink.settle(task.base + task.done, false, this.#broken.error);
      return;
    }
    const { buffer, length } = message;
    if (this.#outstanding++ === 0) this.#busy(1);
    if (this.#pendingFirst === this.#pending.length) {
      const worker = this.#choose();
      if (worker !== undefined) {
        if (task.count > 1) task.keep(buffer, 0, length);
        if (worker.send(task, buffer, 0, length)) return;
      }
    }
    task.keep(buffer, 0, length);
    this.#pending.push(task);
  }

  /** Drops what has not started. At once for what no worker has; a moment later for what lies on their rings. */
  cancel(tasks: Iterable<Task>): void {
    for (const task of tasks) task.cancelled = true;
    // Not now: this may be called while a message is being read.
    queueMicrotask(() => {
      for (const worker of this.#workers) if (worker.load > 1) this.#recall(worker);
      this.#feed();
    });
  }

  /** Starts all workers; resolves when they take tasks. */
  async ready(): Promise<void> {
    while (this.#state === 'running' && this.#workers.length < this.#mostWorkers) this.#start();
    await this.#until(() => this.#state !== 'running' || this.#workers.every((worker) => worker.ready));
  }

  /** No more tasks; resolves when all are done and the workers are gone. */
  async close(): Promise<void> {
    if (this.#state === 'running') this.#state = 'closing';
    this.#dismissIfDone();
    await this.gone();
  }

  /** Ends the workers at once and fails what is not settled; resolves when they are gone. */
  async terminate(): Promise<void> {
    if (this.#state !== 'terminated') {
      this.#state = 'terminated';
      for (const { process } of this.#workers) process.endSoon();
      this.#failAll(() => new PoolTerminatedError('the pool was terminated before this task was done'));
    }
    await this.gone();
  }

  async gone(): Promise<void> {
    await this.#until(
      () => this.#state !== 'running' && this.#workers.length === 0 && this.#outstanding === 0,
    );
  }

  // ---------------------------------------------------------------------------------------------- workers

  #start(): PoolWorker {
    const worker = new PoolWorker(this.#nextWorker++, this.#processOptions, this.#initializer, this.#events);
    this.#workers.push(worker);
    return worker;
  }

  /** The worker for a single task: an idle one, the hottest first; else a new one; else the least loaded. */
  #choose(): PoolWorker | undefined {
    if (this.#hottest !== undefined && this.#hottest.load === 0) return this.#hottest;
    let best: PoolWorker | undefined;
    for (const worker of this.#workers) {
      if (worker.load === 0 && worker.ready) return worker;
      if (best === undefined || worker.load < best.load) best = worker;
    }
    if (this.#workers.length < this.#mostWorkers && best?.load !== 0) return this.#start();
    return best !== undefined && best.load < WINDOW ? best : undefined;
  }

  /** A pool that cannot get another process goes on with those that it has, until one of them ends. */
  #notStarted(worker: PoolWorker, tasks: Task[], error: unknown): void {
    this.#workers.splice(this.#workers.indexOf(worker), 1);
    if (this.#hottest === worker) this.#hottest = undefined;
    debug(`${worker.process.name} could not be started`, error);
    this.#requeue([...tasks, ...worker.forget()]);
    if (this.#workers.length > 0 && error instanceof LaunchError) this.#mostWorkers = this.#workers.length;
    else if (this.#workers.length === 0) this.#failAll(() => error);
    this.#feed();
    this.#dismissIfDone();
    this.#changed();
  }

  #lost(worker: PoolWorker, notStarted: Task[]): void {
    this.#workers.splice(this.#workers.indexOf(worker), 1);
    this.#mostWorkers = this.#processes;
    if (this.#hottest === worker) this.#hottest = undefined;
    const { process } = worker;
    const { pid = 0, exitCode, signalCode: signal } = process;
    const how = describeExit({ exitCode, signal });
    debug(`${process.name} (${pid}) ended by ${how}`);
    for (const task of worker.unfinished()) {
      // Items come in order: the first without an outcome was running, and those behind it had not started.
      const label = `${task.fn.name} (task ${task.id}, item ${task.base + task.done})`;
      const error = new WorkerLostError(
        `the worker ${process.name} (pid ${pid}) ended by ${how} while it ran ${label}; the task is not run again`,
        { pid, exitCode, signal, task: label },
      );
      const index = task.done++;
      this.#settle(worker, task, index, false, error);
      if (task.done < task.count) notStarted.unshift(task);
    }
    this.#requeue(notStarted);
    if (!worker.ready && this.#state !== 'terminated' && ++this.#failedStarts >= MOST_FAILED_STARTS) {
      this.#failedStarts = 0;
      this.#breakDown(
        new WorkerLostError(
          `${MOST_FAILED_STARTS} workers in a row ended before they could take a task, the last one by ${how}; ` +
            'look at their stderr, and at the env, cwd, execArgv and initializer of the pool',
          { pid, exitCode, signal, task: '' },
        ),
      );
    }
    this.#feed();
    this.#dismissIfDone();
    this.#changed();
  }

  #dismissIfDone(): void {
    if (this.#state !== 'closing' || this.#outstanding > 0) return;
    for (const worker of this.#workers) worker.close();
  }

  // ---------------------------------------------------------------------------------------------- tasks

  /** Gives out pending tasks while there is room. */
  #feed(): void {
    while (this.#pendingFirst < this.#pending.length) {
      const task = this.#pending[this.#pendingFirst];
      if (task === undefined || task.cancelled) {
        this.#pendingFirst++;
        if (task !== undefined) this.#finish();
        continue;
      }
      const worker = this.#choose();
      if (worker === undefined) break;
      if (task.done > 0) skipItems(task.slab, task.start, task.done);
      if (!worker.send(task, task.slab, task.start, task.length)) break;
      this.#pendingFirst++;
    }
    if (this.#pendingFirst === this.#pending.length) {
      this.#pending = [];
      this.#pendingFirst = 0;
    } else if (this.#pendingFirst > 4096) {
      this.#pending = this.#pending.slice(this.#pendingFirst);
      this.#pendingFirst = 0;
    }
  }

  /** Back in front of what waits. */
  #requeue(tasks: readonly Task[]): void {
    if (tasks.length === 0) return;
    this.#pending = [...tasks, ...this.#pending.slice(this.#pendingFirst)];
    this.#pendingFirst = 0;
  }

  /** What waits behind another worker's running task is given out anew, now that one is idle. */
  #rebalance(idle: PoolWorker): void {
    if (idle.load > 0 || this.#pendingFirst < this.#pending.length || this.#state === 'terminated') return;
    let busiest: PoolWorker | undefined;
    for (const worker of this.#workers)
      if (worker.load > 1 && worker.load > (busiest?.load ?? 0)) busiest = worker;
    if (busiest !== undefined) this.#recall(busiest);
  }

  /** Takes back what the worker has not started, for whoever comes first. */
  #recall(worker: PoolWorker): void {
    worker.takeBack((tasks) => {
      this.#requeue(tasks);
      this.#feed();
    });
  }

  #settle(worker: PoolWorker, task: Task, index: number, ok: boolean, value: unknown): void {
    if (!ok)
      noteOrigin(value, {
        pid: worker.process.pid ?? 0,
        worker: worker.id,
        index: task.base + index,
        attempt: 1,
      });
    task.sink.settle(task.base + index, ok, value);
    if (task.done === task.count) this.#finish();
  }

  /** No respawn loop: what is pending fails with the error once, and so does at once what comes later. */
  #breakDown(error: unknown): void {
    this.#broken = { error };
    this.#failAll(() => error);
  }

  /** Fails everything that is not settled. */
  #failAll(error: () => unknown): void {
    const tasks: Task[] = [];
    for (const worker of this.#workers) {
      // Given up before they come back: nobody runs them, and nobody wants them any more.
      tasks.push(...worker.forget());
      worker.takeBack(() => undefined);
    }
    tasks.push(...this.#pending.slice(this.#pendingFirst));
    this.#pending = [];
    this.#pendingFirst = 0;
    for (const task of tasks) {
      if (!task.cancelled) {
        const reason = error();
        for (; task.done < task.count; task.done++) task.sink.settle(task.base + task.done, false, reason);
      }
      this.#finish();
    }
    this.#changed();
  }

  #finish(): void {
    if (--this.#outstanding === 0) {
      this.#busy(-1);
      // Not now: this may be called while a message is being read, and closing takes the ring away.
      queueMicrotask(() => {
        this.#dismissIfDone();
        this.#changed();
      });
    }
  }

  // ---------------------------------------------------------------------------------------------- waiting

  /** While tasks are out, the event loop stays alive and blocking calls keep the pool going. */
  #busy(delta: 1 | -1): void {
    backend.hold(delta);
    backend.needProgress(delta);
  }

  async #until(condition: () => boolean): Promise<void> {
    if (condition()) return;
    backend.hold(1);
    try {
      while (!condition()) await new Promise<void>((resolve) => this.#whenChanged.push(resolve));
    } finally {
      backend.hold(-1);
    }
  }

  #changed(): void {
    for (const resolve of this.#whenChanged.splice(0)) resolve();
  }
}
