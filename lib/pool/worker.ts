import { backend } from '../backend';
import type { Duplex } from '../backend/backend';
import { BrokenPipeError } from '../errors';
import { whenForked } from '../forked';
import { ref } from '../function-ref';
import { ownFile } from '../own-files';
import { Process, type WorkerOptions } from '../process';
import type { Afterwards } from './afterwards';
import type { Writer } from '../serializer';
import { ControlKind, encodeGrant, encodeStop } from './control';
import { Kind, WorkerLink, decodeReportTo, decodeUnsent, type ReportHandler } from './protocol';
import type { Slot, SlotEvents, SlotExit } from './slot';
import type { Task } from './task';
import { TaskTimes } from './task-times';
import type { WorkerSettings, runWorker as WorkerMain } from './worker-main';

const runWorker = ref<typeof WorkerMain>(ownFile('pool/worker-main.js'), 'runWorker');

/** Reports that are taken in at a time. */
const MOST_AT_ONCE = 256;
/** Bytes that results which nobody has read yet may take, going by the largest of late. */
const UNREAD_BYTES = 4 << 20;
/** What remains of it each time that some were read. */
const FORGETTING = 0.75;
/** The least that a result is reckoned with: what is kept of its task counts too. */
const LEAST_RESULT = 256;
const workers = new Set<PoolWorker>();

whenForked(() => {
  for (const worker of workers) worker.partFromPool();
});

/** A process of this machine that runs tasks: its ring with tasks, its control link, and what it holds. */
export class PoolWorker implements Slot {
  readonly id: number;
  ready = false;
  finished = 0;
  since = 0;
  readonly times = new TaskTimes();
  /** When what is read now was begun to be read. */
  #readAt = 0;
  /** Bytes of the largest result; less as time goes by. */
  #largest = LEAST_RESULT;
  readonly #concurrency: number;
  #open = true;
  #started = false;
  #ended = false;
  readonly #process: Process<void>;
  readonly #events: SlotEvents;
  readonly #afterwards: Afterwards;
  readonly #duplex: Duplex<undefined>;
  readonly #control: Duplex<undefined>;
  readonly #theirs: readonly Duplex<undefined>[];
  #lastIsExclusive = false;
  readonly #tasks = new Map<number, Task>();
  readonly #knownFunctions = new Set<number>();

  constructor(
    id: number,
    options: WorkerOptions,
    settings: Omit<WorkerSettings, 'id'>,
    events: SlotEvents,
    afterwards: Afterwards,
  ) {
    this.id = id;
    this.#concurrency = settings.concurrency;
    this.#events = events;
    this.#afterwards = afterwards;
    const [ours, theirs] = backend.createDuplex<undefined>(decodeReportTo(this.#handler()));
    const [control, theirControl] = backend.createDuplex<undefined>(() => undefined);
    this.#duplex = ours;
    this.#control = control;
    this.#theirs = [theirs, theirControl];
    this.#process = new Process<void>({
      ...options,
      target: runWorker,
      args: [new WorkerLink(theirs.share()), new WorkerLink(theirControl.share()), { ...settings, id }],
      name: `PoolWorker-${id}`,
      daemon: true,
    });
    workers.add(this);
  }

  get name(): string {
    return this.#process.name;
  }

  get pid(): number {
    return this.#process.pid ?? 0;
  }

  get load(): number {
    return this.#tasks.size;
  }

  /** The pool may be slow to read what is done: then what counts is what lies on the ring. */
  hasRoom(window: number): boolean {
    const { size } = this.#tasks;
    if (size < window) return true;
    if (window <= this.#concurrency) return false; // it is to get what it can start
    return this.#open && size * this.#largest < UNREAD_BYTES && this.#duplex.unreceived() < window;
  }

  get isTaken(): boolean {
    return this.#lastIsExclusive && this.#tasks.size > 0;
  }

  get exit(): SlotExit {
    return { exitCode: this.#process.exitCode, signal: this.#process.signalCode };
  }

  /** In a process that was forked from the pool's: its ends would keep this worker from noticing that the pool closes its own. */
  partFromPool(): void {
    this.#ended = true;
    this.close();
  }

  start(): void {
    // Its orders are on their way when this returns; what goes wrong is told now or later.
    this.#process.startThen((error) => {
      if (error === undefined) {
        this.#started = true;
        const { stdout, stderr } = this.#process;
        if (stdout !== null && stderr !== null) this.#events.prints(stdout, stderr);
        if (this.ready) this.#events.ready(this); // it was faster than the news of its start
        this.#process.onEnded(() => {
          this.#onEnd();
        });
      } else {
        this.#ended = true;
        this.takeBack((tasks) => {
          this.#events.notStarted(this, tasks, error);
          this.close();
        });
      }
    });
    for (const end of this.#theirs) end.close();
    if (!this.#open) return; // there is no process
    this.#duplex.onReadable(() => {
      if (!this.#drain()) return;
      this.since = performance.now();
      this.#events.drained(this);
    });
  }

  send(task: Task, data: Uint8Array, start: number, length: number, lead?: Buffer): boolean {
    if (!this.#open) return false;
    const { fn } = task;
    try {
      if (!this.#knownFunctions.has(fn.id)) {
        if (!this.#duplex.trySend(Kind.Define, fn.definition, fn.definition.length)) return false;
        this.#knownFunctions.add(fn.id);
      }
      const { tag, rights } = task;
      const went =
        lead === undefined
          ? this.#duplex.trySend(tag, data, length, start, rights?.shares)
          : this.#duplex.trySendLed(tag, data, length, lead);
      if (!went) return false;
    } catch (error) {
      if (error instanceof BrokenPipeError) return false; // its end is about to be told
      throw error;
    }
    if (this.#tasks.size === 0) this.since = performance.now();
    this.#tasks.set(task.id, task);
    this.#lastIsExclusive = task.terms.exclusive;
    task.sent(this);
    return true;
  }

  awaited(): void {
    if (this.ready) this.#duplex.expect();
  }

  /** The worker may take a task from behind a definition that is taken back here: then it returns the task. */
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
        const task = this.#release(id);
        if (task === undefined) continue;
        task.keep(data, 0, data.length);
        tasks.push(task);
      }
      done(tasks);
    });
  }

  takeIn(): void {
    this.#drain();
  }

  unfinished(): Task[] {
    return [...this.#tasks.values()];
  }

  forget(): Task[] {
    const tasks = this.unfinished();
    this.#tasks.clear();
    for (const task of tasks) task.slot = undefined;
    return tasks;
  }

  stop(task: Task, item: number | undefined, reason: unknown): void {
    this.#tell(ControlKind.Stop, encodeStop(task.id, item, reason));
  }

  grant(task: Task, count: number): void {
    this.#tell(ControlKind.Grant, encodeGrant(task.id, count));
  }

  kill(signal: 'SIGTERM' | 'SIGKILL'): void {
    if (!this.#ended) this.#process.kill(signal);
  }

  endSoon(): void {
    if (!this.#ended) this.#process.endSoon();
  }

  close(): void {
    workers.delete(this);
    this.#open = false;
    this.#duplex.close();
    this.#control.close();
  }

  #tell(kind: number, { buffer, length }: Writer): void {
    if (!this.#open) return;
    try {
      this.#control.trySend(kind, buffer, length);
    } catch (error) {
      if (!(error instanceof BrokenPipeError)) throw error; // its end is about to be told
    }
  }

  #handler(): ReportHandler {
    return {
      result: (id, index, ok, ran, value, bytes) => {
        if (bytes > this.#largest) this.#largest = bytes;
        const task = this.#tasks.get(id);
        if (task === undefined) return;
        this.finished++;
        this.times.record(ran, this.#readAt - task.since - ran);
        task.done = index + 1;
        if (task.done === task.count) this.#tasks.delete(id);
        this.#events.result(this, task, index, ok, value);
      },
      started: (id) => {
        const task = this.#tasks.get(id);
        if (task !== undefined) this.#events.started(this, task);
      },
      yielded: (id, value) => {
        this.#tasks.get(id)?.sink.yielded?.(value);
      },
      said: (id, value) => {
        this.#tasks.get(id)?.sink.said?.(value);
      },
      ready: () => {
        this.ready = true;
        if (this.#started) this.#events.ready(this);
      },
      retiring: () => {
        this.#events.retiring(this);
      },
      initializing: () => {
        this.#events.initializing(this);
      },
      returned: (id, data) => {
        const task = this.#release(id);
        if (task === undefined) return;
        this.#knownFunctions.delete(task.fn.id);
        if (task.rights === undefined) {
          // Else it comes without its bytes.
          task.tag = Kind.Task;
          task.keep(data, 0, data.length);
        }
        this.#events.returned(task);
      },
      initializerFailed: (error) => {
        this.#events.initializerFailed(this, error);
      },
    };
  }

  #release(id: number): Task | undefined {
    const task = this.#tasks.get(id);
    if (task === undefined) return undefined;
    this.#tasks.delete(id);
    task.slot = undefined;
    return task;
  }

  /** Not before what it has printed was read: closing drops that. */
  #closeProcess(): void {
    const { stdout, stderr } = this.#process;
    const printing = [stdout, stderr].filter((stream) => stream?.closed === false);
    let open = printing.length;
    if (open === 0) this.#process.close();
    for (const stream of printing) {
      stream?.once('close', () => {
        if (--open === 0) this.#process.close();
      });
    }
  }

  #onEnd(): void {
    this.#ended = true;
    this.#drain();
    this.takeBack((notStarted) => {
      this.#events.ended(this, notStarted);
      this.close();
      this.#closeProcess();
    });
  }

  /** Takes in what the worker has said; whether it had said anything. */
  #drain(): boolean {
    return this.#afterwards.reading(() => {
      let any = false;
      for (let received = MOST_AT_ONCE; this.#open && received === MOST_AT_ONCE;) {
        this.#readAt = performance.now();
        received = this.#duplex.tryReceiveMany(MOST_AT_ONCE).length;
        any ||= received > 0;
      }
      this.#largest = Math.max(LEAST_RESULT, this.#largest * FORGETTING);
      return any;
    });
  }
}
