import { TimeoutError } from '../errors';
import type { Deadline, Deadlines } from '../deadlines';
import type { Slot } from './slot';
import type { Task } from './task';

/** How long (ms) a worker may take to end after SIGTERM. */
const GRACE = 1000;

/** What is going on about a task that runs. */
interface Watch {
  readonly slot: Slot;
  /** The next step: the task's time is over, or it did not end by itself, or not by SIGTERM. */
  deadline: Deadline | undefined;
  /** The item that was told to end; WHOLE for the task. */
  stopped: number | undefined;
}

const WHOLE = -1;

/**
 * Ends tasks that run: first they are told, after `killAfter` their worker gets SIGTERM, then SIGKILL. Knows only of
 * tasks that have a time limit or were stopped.
 */
export class Stops {
  readonly #deadlines: Deadlines;
  readonly #watches = new Map<Task, Watch>();
  readonly #giveUp: (task: Task, error: unknown) => void;
  readonly #settleUp: (slot: Slot, then: () => void) => void;

  /**
   * @param giveUp settles the item that runs, although its worker has not told its outcome
   * @param settleUp takes back what the slot has not started, takes in what it has said, and then tells
   */
  constructor(
    deadlines: Deadlines,
    giveUp: (task: Task, error: unknown) => void,
    settleUp: (slot: Slot, then: () => void) => void,
  ) {
    this.#deadlines = deadlines;
    this.#giveUp = giveUp;
    this.#settleUp = settleUp;
  }

  /** Whether any task is watched: if not, nothing else need be told. */
  get any(): boolean {
    return this.#watches.size > 0;
  }

  /** The task runs, and its time counts. */
  started(slot: Slot, task: Task): void {
    if (task.terms.taskTimeout === Infinity || this.#watches.has(task)) return;
    const watch: Watch = { slot, deadline: undefined, stopped: undefined };
    this.#watches.set(task, watch);
    this.#limit(task, watch);
  }

  /** The outcome of an item came; the next one runs, if there is one. */
  progressed(task: Task): void {
    const watch = this.#watches.get(task);
    if (watch === undefined || watch.stopped === WHOLE) return;
    this.#deadlines.clear(watch.deadline);
    watch.stopped = undefined;
    this.#limit(task, watch);
  }

  /** Nobody runs the task any more. */
  over(task: Task): void {
    const watch = this.#watches.get(task);
    if (watch === undefined) return;
    this.#deadlines.clear(watch.deadline);
    this.#watches.delete(task);
  }

  /** The whole task, which runs in this slot, is to end. */
  stop(slot: Slot, task: Task, reason: unknown): void {
    let watch = this.#watches.get(task);
    if (watch?.stopped === WHOLE) return;
    if (watch === undefined)
      this.#watches.set(task, (watch = { slot, deadline: undefined, stopped: undefined }));
    const isFirst = watch.stopped === undefined;
    watch.stopped = WHOLE;
    slot.stop(task, undefined, reason);
    // Else its end is on its way already.
    if (isFirst) this.#escalate(task, watch);
  }

  #limit(task: Task, watch: Watch): void {
    const { taskTimeout } = task.terms;
    watch.deadline = this.#deadlines.set(taskTimeout, () => {
      const { slot } = watch;
      const error = new TimeoutError(
        `${task.label} took longer than its taskTimeout of ${taskTimeout} ms in ${slot.name} (pid ${slot.pid}); ` +
          'it is stopped',
      );
      watch.stopped = task.done;
      slot.stop(task, task.done, error);
      this.#escalate(task, watch);
      this.#giveUp(task, error);
    });
  }

  #escalate(task: Task, watch: Watch): void {
    this.#deadlines.clear(watch.deadline);
    watch.deadline = this.#deadlines.set(task.terms.killAfter, () => {
      this.#kill(task, watch, 'SIGTERM', () => {
        watch.deadline = this.#deadlines.set(GRACE, () => {
          this.#kill(task, watch, 'SIGKILL');
        });
      });
    });
  }

  /**
   * Never a worker that has ended the item and runs another: it cannot start one from the moment when all was taken
   * back, and what it had ended before is known once all it has said was taken in.
   */
  #kill(task: Task, watch: Watch, signal: 'SIGTERM' | 'SIGKILL', then?: () => void): void {
    const { deadline } = watch;
    this.#settleUp(watch.slot, () => {
      // Another deadline: the next item runs meanwhile.
      if (this.#watches.get(task) !== watch || watch.deadline !== deadline) return;
      watch.slot.kill(signal);
      then?.();
    });
  }
}
