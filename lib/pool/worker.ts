import { backend } from '../backend';
import type { Duplex } from '../backend/backend';
import { BrokenPipeError } from '../errors';
import { ref } from '../function-ref';
import { WORKER, Process, type ProcessOptions } from '../process';
import { Kind, WorkerLink, decodeReportTo, decodeUnsent, type ReportHandler } from './protocol';
import type { Task } from './task';
import type { Initializer, runWorker as WorkerMain } from './worker-main';

const runWorker = ref<typeof WorkerMain>(require.resolve('./worker-main'), 'runWorker');

/** What the scheduler wants to hear of a worker. */
export interface WorkerEvents {
  ready(worker: PoolWorker): void;
  result(worker: PoolWorker, task: Task, index: number, ok: boolean, value: unknown): void;
  initializerFailed(worker: PoolWorker, error: unknown): void;
  /** The worker has not started the task and does not have it any more. */
  returned(task: Task): void;
  /** Reports have been taken in; there may be room for more work. */
  drained(worker: PoolWorker): void;
  /** The process has ended, and everything it said was told. It never started these tasks. */
  ended(worker: PoolWorker, notStarted: Task[]): void;
  /** There is no process. */
  notStarted(worker: PoolWorker, tasks: Task[], error: unknown): void;
}

/** A worker as its pool sees it: a process, the ring with its tasks, and what it holds. */
export class PoolWorker {
  readonly process: Process<void>;
  readonly id: number;
  ready = false;
  #open = true;
  readonly #duplex: Duplex<undefined>;
  readonly #tasks = new Map<number, Task>();
  readonly #knownFunctions = new Set<number>();

  constructor(
    id: number,
    options: ProcessOptions,
    initializer: Initializer | undefined,
    events: WorkerEvents,
  ) {
    this.id = id;
    const handler: ReportHandler = {
      result: (taskId, index, ok, value) => {
        const task = this.#tasks.get(taskId);
        if (task === undefined) return;
        task.done = index + 1;
        if (task.done === task.count) this.#tasks.delete(taskId);
        events.result(this, task, index, ok, value);
      },
      ready: () => {
        this.ready = true;
        events.ready(this);
      },
      returned: (taskId, data) => {
        const task = this.#tasks.get(taskId);
        if (task === undefined) return;
        this.#tasks.delete(taskId);
        this.#knownFunctions.delete(task.fn.id);
        task.keep(data, 0, data.length);
        events.returned(task);
      },
      initializerFailed: (error) => {
        events.initializerFailed(this, error);
      },
    };
    const [ours, theirs] = backend.createDuplex<undefined>(decodeReportTo(handler));
    this.#duplex = ours;
    const marked = { [WORKER]: true as const };
    this.process = new Process<void>({
      ...options,
      ...marked,
      target: runWorker,
      args: [new WorkerLink(theirs.share()), initializer],
      name: `PoolWorker-${id}`,
      daemon: true,
    });
    // Its orders are on their way when this returns; what goes wrong is told later.
    void this.process.start().then(
      () => {
        this.process.onEnded(() => {
          this.#drain();
          this.takeBack((notStarted) => {
            events.ended(this, notStarted);
            this.close();
            this.process.close();
          });
        });
      },
      (error: unknown) => {
        this.takeBack((tasks) => {
          events.notStarted(this, tasks, error);
          this.close();
        });
      },
    );
    theirs.close();
    ours.onReadable(() => {
      if (this.#drain()) events.drained(this);
    });
  }

  /** Tasks sent and not done. */
  get load(): number {
    return this.#tasks.size;
  }

  /** false: the worker takes nothing any more. */
  send(task: Task, data: Uint8Array, start: number, length: number): boolean {
    const { fn } = task;
    try {
      if (!this.#knownFunctions.has(fn.id)) {
        if (!this.#duplex.trySend(Kind.Define, fn.definition, fn.definition.length)) return false;
        this.#knownFunctions.add(fn.id);
      }
      if (!this.#duplex.trySend(Kind.Task, data, length, start)) return false;
    } catch (error) {
      if (error instanceof BrokenPipeError) return false; // its end is about to be told
      throw error;
    }
    this.#tasks.set(task.id, task);
    task.sent();
    return true;
  }

  /**
   * Takes back, oldest first, all that the worker has not started, and tells `done`, at once or later; nobody runs
   * these now. The worker may take a task from behind a definition that is taken back here: then it returns the task.
   */
  takeBack(done: (tasks: Task[]) => void): void {
    if (!this.#open) {
      done([]);
      return;
    }
    this.#duplex.unsend(decodeUnsent, (messages) => {
      const tasks: Task[] = [];
      for (const { tag, id, data } of messages) {
        if (tag === Kind.Define) {
          this.#knownFunctions.delete(id);
          continue;
        }
        const task = this.#tasks.get(id);
        if (task === undefined) continue;
        this.#tasks.delete(id);
        task.keep(data, 0, data.length);
        tasks.push(task);
      }
      done(tasks);
    });
  }

  /** What it has started and not finished. */
  unfinished(): Task[] {
    return [...this.#tasks.values()];
  }

  /** Gives up all it has: whatever it still reports is nobody's. */
  forget(): Task[] {
    const tasks = this.unfinished();
    this.#tasks.clear();
    return tasks;
  }

  /** Lets it finish what it has, then end. */
  close(): void {
    this.#open = false;
    this.#duplex.close();
  }

  /** Takes in what the worker has said; whether it had said anything. */
  #drain(): boolean {
    let any = false;
    while (this.#open && this.#duplex.tryReceiveMany(256).length > 0) any = true;
    return any;
  }
}
