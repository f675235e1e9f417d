import { isEnding } from '../children';
import { debug } from '../debug';
import { TimeoutError, WorkerLostError } from '../errors';
import { describeExit } from '../signals';
import type { Deadline, Deadlines } from '../deadlines';
import { IdleWatch } from './idle-watch';
import type { PoolSettings } from './options';
import type { Slot } from './slot';
import type { Task } from './task';

/** Workers that ended before they were ready, one after the other, until what is pending is given up. */
const MOST_FAILED_STARTS = 3;

/** What the crew wants of those who use it. */
export interface CrewEvents {
  make(id: number): Slot;
  /** There is nothing that could run anything; it is not among the slots any more. */
  notStarted(slot: Slot | undefined, tasks: Task[], error: unknown): void;
  /** It takes no more tasks: what it has not started must go elsewhere. */
  leaves(slot: Slot): void;
  /** No worker of this pool can ever take tasks. */
  broken(error: unknown): void;
}

/** Which workers there are: starts them on demand, replaces them, lets those go that are too many. */
export class Crew {
  /** Those that take tasks. */
  readonly slots: Slot[] = [];
  /** Those that only finish what they have. */
  readonly leaving = new Set<Slot>();
  /** Why the system refused the last worker that it refused. */
  startError: unknown;
  /** Who wants all workers at once; meanwhile none goes for being idle. */
  gathering = 0;
  /** The idle one that finished last comes first: its core is hot. */
  #hottest: Slot | undefined;
  readonly #settings: PoolSettings;
  readonly #deadlines: Deadlines;
  readonly #events: CrewEvents;
  readonly #idle: IdleWatch;
  readonly #limits = new Map<Slot, Deadline>();
  #processes: number;
  /** Less than asked for while the system refuses more. */
  #most: number;
  #next = 1;
  #failedStarts = 0;
  #stopped = false;

  constructor(settings: PoolSettings, deadlines: Deadlines, events: CrewEvents) {
    this.#settings = settings;
    this.#processes = this.#most = settings.processes;
    this.#deadlines = deadlines;
    this.#events = events;
    this.#idle = new IdleWatch(settings.idleTimeout, (slot) => {
      if (this.gathering > 0) this.#idle.idle(slot);
      else if (this.slots.length > settings.minProcesses && this.slots.includes(slot)) this.dismiss(slot);
    });
  }

  get processes(): number {
    return this.#processes;
  }

  /** Workers started beyond the first ones. */
  get restarts(): number {
    return Math.max(0, this.#next - 1 - this.#processes);
  }

  get canStart(): boolean {
    return !this.#stopped && this.slots.length < this.#most;
  }

  get isGone(): boolean {
    return this.slots.length === 0 && this.leaving.size === 0;
  }

  /** undefined if that failed at once, which was dealt with. */
  start(): Slot | undefined {
    let slot: Slot;
    try {
      slot = this.#events.make(this.#next++);
    } catch (error) {
      this.refused(undefined, [], error);
      return undefined;
    }
    this.slots.push(slot);
    slot.start();
    return this.slots.includes(slot) ? slot : undefined;
  }

  /** So many as are to be there whether or not there is work; none when the program ends, which it then would never do. */
  startLeast(): void {
    if (isEnding()) return;
    const least = Math.min(this.#settings.minProcesses, this.#processes);
    while (this.slots.length < least && this.canStart && this.start() !== undefined);
  }

  /** No more are started. */
  stop(): void {
    this.#stopped = true;
  }

  /** The slot for a task that may go anywhere: an idle one, the hottest first; else a new one; else the least loaded. */
  choose(window: number, exclusive = false): Slot | undefined {
    if (this.#hottest !== undefined && this.#hottest.load === 0) return this.#hottest;
    let best: Slot | undefined;
    for (const slot of this.slots) {
      if (slot.load === 0 && slot.ready) return slot;
      if (slot.isTaken || (exclusive && slot.load > 0)) continue;
      if (best === undefined || slot.load < best.load) best = slot;
    }
    if (this.canStart && best?.load !== 0) {
      return this.start() ?? (this.slots.length > 0 ? this.choose(window, exclusive) : undefined);
    }
    return best?.hasRoom(window) === true ? best : undefined;
  }

  initializing(slot: Slot): void {
    const { taskTimeout } = this.#settings.terms;
    this.#limit(slot, () => {
      slot.kill('SIGKILL');
      this.#events.broken(
        new TimeoutError(
          `the initializer took longer than the pool's taskTimeout of ${taskTimeout} ms in ${slot.name} ` +
            `(pid ${slot.pid}); the worker was ended`,
        ),
      );
    });
  }

  ready(slot: Slot): void {
    this.#failedStarts = 0;
    this.#unlimit(slot);
    if (slot.load === 0) this.idle(slot);
  }

  initializerFailed(slot: Slot): void {
    debug(`initializer of ${slot.name} failed`);
    this.#failedStarts = 0; // what follows is no failed start, but told
    this.#unlimit(slot);
  }

  /** It has nothing to do. */
  idle(slot: Slot): void {
    if (this.leaving.has(slot)) {
      this.#finish(slot);
    } else if (this.slots.includes(slot)) {
      // Else it has ended, and what was asked of it before is answered late.
      this.#hottest = slot;
      this.#idle.idle(slot);
    }
  }

  /** It will end by itself when it has finished what it has. */
  retiring(slot: Slot): void {
    debug(`${slot.name} retires`);
    this.#leave(slot);
  }

  /** Lets it finish what it runs, and end. */
  dismiss(slot: Slot): void {
    debug(`${slot.name} is dismissed`);
    this.#leave(slot);
    if (slot.load === 0) this.#finish(slot);
  }

  dismissAll(): void {
    for (const slot of [...this.slots]) this.dismiss(slot);
  }

  resize(processes: number): void {
    this.#processes = this.#most = processes;
    const surplus = this.slots.length - processes;
    if (surplus <= 0) return;
    const byLoad = [...this.slots].sort((a, b) => a.load - b.load);
    for (const slot of byLoad.slice(0, surplus)) this.dismiss(slot);
  }

  /** A pool that cannot get another process goes on with those that it has, until one of them ends. */
  refused(slot: Slot | undefined, tasks: Task[], error: unknown): void {
    if (slot !== undefined) this.forget(slot);
    debug(`${slot?.name ?? 'a worker'} could not be started`, error);
    this.startError = error;
    if (this.slots.length > 0) this.#most = this.slots.length;
    this.#events.notStarted(slot, tasks, error);
  }

  /** It has ended, and was to go on. */
  lost(slot: Slot): void {
    if (slot.ready || this.#stopped) return;
    if (++this.#failedStarts < MOST_FAILED_STARTS) return;
    this.#failedStarts = 0;
    const { pid, exit } = slot;
    const { exitCode, signal } = exit;
    this.#events.broken(
      new WorkerLostError(
        `${MOST_FAILED_STARTS} workers in a row ended before they could take a task, the last one by ` +
          `${describeExit({ exitCode, signal })}; look at their stderr, and at the env, cwd, execArgv and ` +
          'initializer of the pool',
        { pid, exitCode, signal, task: '' },
      ),
    );
  }

  #leave(slot: Slot): void {
    const index = this.slots.indexOf(slot);
    if (index >= 0) this.slots.splice(index, 1);
    if (this.#hottest === slot) this.#hottest = undefined;
    this.#idle.forget(slot);
    this.leaving.add(slot);
    this.#events.leaves(slot);
  }

  /** Its link is closed; then it calls the finalizer, which has as long as a task, and ends. */
  #finish(slot: Slot): void {
    this.#limit(slot, () => {
      slot.endSoon();
    });
    slot.close();
  }

  /** There is nothing of it any more. Whether it was leaving. */
  forget(slot: Slot): boolean {
    const index = this.slots.indexOf(slot);
    if (index >= 0) this.slots.splice(index, 1);
    if (this.#hottest === slot) this.#hottest = undefined;
    this.#idle.forget(slot);
    this.#unlimit(slot);
    this.#most = this.#processes;
    return this.leaving.delete(slot);
  }

  #limit(slot: Slot, act: () => void): void {
    this.#unlimit(slot);
    const deadline = this.#deadlines.set(this.#settings.terms.taskTimeout, act);
    if (deadline !== undefined) this.#limits.set(slot, deadline);
  }

  #unlimit(slot: Slot): void {
    this.#deadlines.clear(this.#limits.get(slot));
    this.#limits.delete(slot);
  }
}
