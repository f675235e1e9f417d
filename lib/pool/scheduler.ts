import { backend } from '../backend';
import { debug } from '../debug';
import { PoolTerminatedError, UnsupportedError, WorkerLostError } from '../errors';
import { describeExit } from '../signals';
import { startMethodFor } from '../start-method';
import { Afterwards } from './afterwards';
import { Backlog } from './backlog';
import { Balance } from './balance';
import { addCallSite } from './call-site';
import { channels } from './channels';
import { Crew } from './crew';
import { Deadlines } from '../deadlines';
import { settingsOfWorker } from './each-worker';
import { Lanes } from './lanes';
import type { PoolSettings } from './options';
import type { Encoded } from './protocol';
import { noteOrigin } from './remote-info';
import type { Slot, SlotEvents } from './slot';
import { Room } from './room';
import { memoryOf, type PoolStats, type WorkerStats } from './stats';
import { Stops } from './stops';
import { TaskTimes } from './task-times';
import type { Task } from './task';
import { PoolWorker } from './worker';

/** Tasks on a worker's ring: enough that it never waits for the parent. What it has not started can be taken back. */
const WINDOW = 128;
/** Who hands in tasks without end lets no event tell of room on the rings: so often one looks for oneself. */
const FEED_EVERY = 64;
/** As WINDOW, for tasks that have no other worker to go to: they need not be taken back. */
const LANE_WINDOW = 8;

/** What the pool hears. */
export interface SchedulerEvents {
  /** There is room again for tasks. */
  readonly drain: () => void;
  /** Whose events these are; undefined if nobody holds it any more. */
  readonly pool: object | undefined;
  readonly taskSubmit: (task: Task) => void;
  readonly prints: SlotEvents['prints'];
  readonly workerStart: (slot: Slot) => void;
  readonly workerExit: (slot: Slot) => void;
}

/**
 * Gives tasks to workers. Invariants: a task that is not settled is in the backlog or in exactly one slot; and no task
 * lies on a slot's ring behind a running one for long while another slot is idle.
 */
export class Scheduler {
  readonly #settings: PoolSettings;
  readonly #crew: Crew;
  readonly #backlog = new Backlog();
  readonly #lanes = new Lanes();
  /** Most tasks in a slot, those that run and those on its ring. */
  #window = WINDOW;
  readonly #afterwards = new Afterwards();
  readonly #deadlines = new Deadlines();
  readonly #balance: Balance;
  readonly #stops: Stops;
  readonly room: Room;
  readonly #heard: SchedulerEvents;
  #succeeded = 0;
  #failed = 0;
  /** Of workers that are gone. */
  readonly #timesOfEnded = new TaskTimes();
  #feeding = false;
  /** Tasks that came since workers were last given any. */
  #unfed = 0;
  #outstanding = 0;
  /** Why no worker of this pool can take tasks: its initializer fails, or its processes end at once. */
  #broken: { readonly error: unknown } | undefined;
  #state: 'running' | 'closing' | 'terminated' = 'running';
  #whenChanged: (() => void)[] = [];

  readonly #events: SlotEvents = {
    prints: (stdout, stderr) => {
      this.#heard.prints(stdout, stderr);
    },
    ready: (slot) => {
      this.#crew.ready(slot);
      this.#heard.workerStart(slot);
      this.#changed();
    },
    initializing: (slot) => {
      this.#crew.initializing(slot);
    },
    initializerFailed: (slot, error) => {
      this.#crew.initializerFailed(slot);
      this.#afterwards.do(() => {
        this.#breakDown(error);
      });
    },
    retiring: (slot) => {
      this.#afterwards.do(() => {
        this.#crew.retiring(slot);
        if (this.#state === 'running') this.#crew.startLeast();
        this.#feed();
      });
    },
    started: (slot, task) => {
      this.#stops.started(slot, task);
    },
    result: (slot, task, index, ok, value) => {
      this.#settle(slot, task, index, ok, value);
    },
    returned: (task) => {
      this.#putBack([task]);
    },
    drained: (slot) => {
      this.#feedLane(slot);
      this.#feed();
      if (slot.load === 0 && slot.ready) this.#crew.idle(slot);
      this.#balance.look(slot);
      this.room.look();
    },
    ended: (slot, notStarted) => {
      this.#lost(slot, notStarted);
    },
    notStarted: (slot, tasks, error) => {
      this.#crew.refused(slot, [...tasks, ...slot.forget()], error);
    },
  };

  constructor(settings: PoolSettings, events: SchedulerEvents) {
    this.#settings = settings;
    this.#heard = events;
    this.room = new Room(settings.maxPending, () => this.pending, events.drain);
    this.#crew = new Crew(settings, this.#deadlines, {
      make: (id) => {
        const { process, worker } = settingsOfWorker(settings, id);
        return new PoolWorker(id, process, worker, this.#events, this.#afterwards);
      },
      notStarted: (slot, tasks, error) => {
        this.#notStarted(slot, tasks, error);
      },
      leaves: (slot) => {
        this.#putBack(this.#lanes.forget(slot));
        this.#recall(slot, () => {
          if (slot.load === 0) this.#crew.idle(slot);
        });
      },
      broken: (error) => {
        this.#breakDown(error);
      },
    });
    this.#balance = new Balance(
      this.#deadlines,
      settings.worker.concurrency,
      () => this.#crew.slots,
      () => this.#backlog.isEmpty && this.#state !== 'terminated',
      (slot) => {
        this.#recall(slot);
      },
    );
    this.#stops = new Stops(
      this.#deadlines,
      (task, error) => {
        task.settle(task.done, false, error);
        task.givenUp = task.done;
      },
      (slot, then) => {
        this.#recall(slot, () => {
          slot.takeIn();
          then();
        });
      },
    );
    this.#crew.startLeast();
  }

  get state(): 'running' | 'closing' | 'terminated' {
    return this.#state;
  }

  /**
   * Takes a task and its message.
   * @throws SerializationError if it has handles of too many file descriptors
   */
  submit(task: Task, message: Encoded): void {
    if (this.#broken !== undefined) {
      task.fail(this.#broken.error);
      return;
    }
    const { tag, buffer, length, shares, lead } = message;
    task.tag = tag;
    if (shares !== undefined) task.rights = backend.retain(shares);
    if (channels.taskSubmit.hasSubscribers) this.#heard.taskSubmit(task);
    if (this.#outstanding++ === 0) this.#busy(1);
    const { priority, key, exclusive } = task.terms;
    if ((priority !== 0 || exclusive) && this.#window === WINDOW) this.#heedPriorities();
    const isFirst = this.#backlog.isEmpty;
    const slot =
      isFirst && key === undefined && task.pinned === undefined
        ? this.#crew.choose(this.#window, exclusive)
        : undefined;
    if (slot !== undefined) {
      if (task.mustKeep) task.keep(buffer, 0, length, lead);
      if (slot.send(task, buffer, 0, length, lead)) {
        if (this.#outstanding === 1) slot.awaited();
        return;
      }
    }
    task.keep(buffer, 0, length, lead);
    this.#backlog.push(task);
    if (isFirst || ++this.#unfed >= FEED_EVERY) this.#feed();
  }

  /** Tasks that have not started, as far as is known; a chunk is one. */
  get pending(): number {
    const { concurrency } = this.#settings.worker;
    let running = 0;
    for (const slot of this.#crew.slots) running += Math.min(slot.load, concurrency);
    for (const slot of this.#crew.leaving) running += Math.min(slot.load, concurrency);
    return this.#outstanding - running;
  }

  get stats(): PoolStats {
    const { concurrency } = this.#settings.worker;
    const about = (slot: Slot): WorkerStats => {
      const running = slot.ready ? slot.unfinished().slice(0, concurrency) : [];
      return {
        id: slot.id,
        pid: slot.pid,
        state: this.#crew.leaving.has(slot)
          ? 'leaving'
          : !slot.ready
            ? 'starting'
            : slot.load > 0
              ? 'busy'
              : 'idle',
        running: running.map((task) => task.label),
        runningFor: running.length === 0 ? 0 : performance.now() - slot.since,
        tasks: slot.finished,
        runTime: slot.times.run,
        waitTime: slot.times.wait,
        memory: memoryOf(slot.pid),
      };
    };
    const slots = this.#everySlot();
    const workers = slots.map(about);
    const times = new TaskTimes();
    for (const one of [this.#timesOfEnded, ...slots.map((slot) => slot.times)]) times.add(one);
    return {
      processes: this.#crew.processes,
      workers,
      pending: this.pending,
      running: this.#outstanding - this.pending,
      succeeded: this.#succeeded,
      failed: this.#failed,
      restarts: this.#crew.restarts,
      runTime: times.run,
      waitTime: times.wait,
    };
  }

  get slots(): readonly Slot[] {
    return this.#crew.slots;
  }

  get processes(): number {
    return this.#crew.processes;
  }

  /** Most workers from now on; those that are too many finish what they run, and end. */
  resize(processes: number): void {
    this.#afterwards.do(() => {
      this.#crew.resize(processes);
      this.#feed();
    });
  }

  startWorker(): Slot | undefined {
    return this.#crew.canStart ? this.#crew.start() : undefined;
  }

  endWorker(id: number): boolean {
    const slot = this.#everySlot().find((each) => each.id === id);
    slot?.endSoon();
    return slot !== undefined;
  }

  /** Drops what has not started. At once for what no worker has; a moment later for what lies on their rings. */
  cancel(tasks: Iterable<Task>): void {
    for (const task of tasks) task.cancelled = true;
    this.#afterwards.do(() => {
      for (const slot of [...this.#crew.slots]) {
        if (slot.load > 1) this.#recall(slot);
        this.#feedLane(slot);
      }
      this.#feed();
    });
  }

  /**
   * Drops what has not started, and ends what runs, if need be with its worker. The caller has settled the tasks, or
   * waits to hear that they were dropped.
   */
  stop(tasks: Iterable<Task>, reason: unknown): void {
    const running = new Map<Slot, Task[]>();
    for (const task of tasks) {
      task.cancelled = true;
      const { slot } = task;
      if (slot === undefined) task.sink.dropped?.();
      if (slot === undefined || task.done === task.count) continue;
      const others = running.get(slot);
      if (others === undefined) running.set(slot, [task]);
      else others.push(task);
    }
    this.#afterwards.do(() => {
      for (const [slot, stopped] of running) {
        this.#recall(slot, () => {
          for (const task of stopped) {
            if (task.slot !== slot) task.sink.dropped?.();
            else if (task.done < task.count) this.#stops.stop(slot, task, reason);
          }
        });
      }
      this.#feed();
    });
  }

  /** Starts all workers; resolves when they take tasks. */
  async ready(): Promise<void> {
    while (this.#state === 'running' && this.#crew.canStart && this.#crew.start() !== undefined);
    const { slots } = this.#crew;
    this.#crew.gathering++;
    await this.#until(() => this.#state !== 'running' || slots.every((slot) => slot.ready));
    this.#crew.gathering--;
    if (this.#state !== 'running') return;
    if (this.#broken !== undefined) throw this.#broken.error;
    if (slots.length === 0) throw this.#crew.startError;
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
      this.#crew.stop();
      for (const slot of this.#everySlot()) slot.endSoon();
      this.#failAll(() => new PoolTerminatedError('the pool was terminated before this task was done'));
    }
    await this.gone();
  }

  /** @throws UnsupportedError if workers cannot be started, or replaced, while the thread is blocked */
  mustStartWhileBlocked(): void {
    if (startMethodFor(this.#settings.process.context?.method).method !== 'fork') return;
    throw new UnsupportedError(
      "a pool whose workers are started by 'fork' cannot be waited for with its Sync forms: each start takes a turn of the " +
        "event loop; use the asynchronous forms, or a pool of getContext('forkserver')",
    );
  }

  /** Blocks the thread until `done()`, while the pool goes on; false after `timeout` ms. */
  block(done: () => boolean, timeout: number): boolean {
    if (timeout > 0 && !done()) this.mustStartWhileBlocked();
    const end = performance.now() + timeout;
    while (!done()) {
      const left = Math.max(0, end - performance.now());
      const { next, version } = this.#deadlines;
      backend.runUntil(() => done() || this.#deadlines.version !== version, Math.min(left, next));
      this.#deadlines.fire();
      if (left === 0) return done();
    }
    return true;
  }

  async gone(): Promise<void> {
    await this.#until(() => this.isGone);
  }

  /** Whether it takes nothing any more, has nothing to do, and its workers are gone. */
  get isGone(): boolean {
    return this.#state !== 'running' && this.#crew.isGone && this.#outstanding === 0;
  }

  // ---------------------------------------------------------------------------------------------- workers

  #everySlot(): Slot[] {
    return [...this.#crew.slots, ...this.#crew.leaving];
  }

  #notStarted(slot: Slot | undefined, tasks: Task[], error: unknown): void {
    this.#putBack([...tasks, ...(slot === undefined ? [] : this.#lanes.forget(slot))]);
    if (this.#crew.slots.length === 0) this.#failAll(() => error);
    this.#feed();
    this.#dismissIfDone();
    this.#changed();
  }

  #lost(slot: Slot, notStarted: Task[]): void {
    this.#timesOfEnded.add(slot.times);
    const wasLeaving = this.#crew.forget(slot);
    this.#heard.workerExit(slot);
    const { name, pid } = slot;
    const { exitCode, signal } = slot.exit;
    const how = describeExit({ exitCode, signal });
    debug(`${name} (${pid}) ended by ${how}`);
    const left: Task[] = [];
    for (const task of slot.unfinished()) {
      // Items come in order: the first without an outcome was running, and those behind it had not started.
      task.slot = undefined;
      this.#stops.over(task);
      if (task.attempt <= task.terms.retries && task.givenUp !== task.done && !task.cancelled) {
        task.attempt++;
      } else {
        const { label: what } = task;
        const runs = task.attempt > 1 ? `, its run ${task.attempt}` : '';
        const error = new WorkerLostError(
          `the worker ${name} (pid ${pid}) ended by ${how} while it ran ${what}${runs}; the task is not run again`,
          { pid, exitCode, signal, task: what },
        );
        const index = task.done++;
        this.#settle(slot, task, index, false, error);
      }
      if (task.done < task.count) left.push(task);
    }
    this.#putBack([...left, ...notStarted, ...this.#lanes.forget(slot)]);
    if (!wasLeaving) this.#crew.lost(slot);
    if (this.#state === 'running') this.#crew.startLeast();
    this.#feed();
    this.#dismissIfDone();
    this.#changed();
  }

  #dismissIfDone(): void {
    if (this.#state !== 'closing' || this.#outstanding > 0) return;
    this.#crew.dismissAll();
  }

  // ---------------------------------------------------------------------------------------------- tasks

  /** Gives out pending tasks while there is room. */
  #feed(): void {
    if (this.#feeding) return; // starting a worker may fail at once, and lead here again
    this.#feeding = true;
    this.#unfed = 0;
    for (let task = this.#backlog.peek(); task !== undefined; task = this.#backlog.peek()) {
      if (task.cancelled) {
        this.#backlog.shift();
        this.#finish(task);
        continue;
      }
      const isBound = task.terms.key !== undefined || task.pinned !== undefined;
      const slot = isBound ? this.#wayOf(task) : this.#crew.choose(this.#window, task.terms.exclusive);
      if (this.#backlog.peek() !== task) continue;
      if (slot === undefined) break;
      if (isBound) {
        this.#backlog.shift();
        this.#lanes.of(slot).push(task);
        this.#feedLane(slot);
        continue;
      }
      task.prepare();
      if (!slot.send(task, task.slab, task.start, task.length)) break;
      this.#backlog.shift();
    }
    this.#feeding = false;
  }

  /** Back in front of what waits. */
  #putBack(tasks: readonly Task[]): void {
    if (tasks.length === 0) return;
    if (this.#stops.any) for (const task of tasks) this.#stops.over(task);
    this.#backlog.putBack(tasks);
  }

  /** The slot that a bound task must go to; undefined if there is none yet, or the task is settled for want of it. */
  #wayOf(task: Task): Slot | undefined {
    const { pinned } = task;
    if (pinned !== undefined) {
      if (this.#crew.slots.includes(pinned)) return pinned;
      this.#backlog.shift();
      const what = task.label;
      task.fail(new WorkerLostError(`the worker ${pinned.name} ended before it ran ${what}`, { task: what }));
      this.#finish(task);
      return undefined;
    }
    const { key = '' } = task.terms;
    const known = this.#lanes.slotOf(key);
    if (known !== undefined) return known;
    let best: Slot | undefined;
    const burden = (slot: Slot) => slot.load + this.#lanes.length(slot);
    for (const slot of this.#crew.slots) if (best === undefined || burden(slot) < burden(best)) best = slot;
    if (this.#crew.canStart && (best === undefined || burden(best) > 0)) best = this.#crew.start() ?? best;
    if (best !== undefined) this.#lanes.assign(key, best);
    return best;
  }

  /** Gives a slot what only it may run. */
  #feedLane(slot: Slot): void {
    if (this.#lanes.length(slot) === 0) return;
    const lane = this.#lanes.of(slot);
    for (let task = lane.peek(); task !== undefined; task = lane.peek()) {
      if (task.cancelled) {
        this.#finish(task);
      } else {
        if (slot.load >= LANE_WINDOW) break;
        task.prepare();
        if (!slot.send(task, task.slab, task.start, task.length)) break;
      }
      lane.shift();
    }
  }

  /** From now on workers get a task when they can start it: what is urgent overtakes all that has not started. */
  #heedPriorities(): void {
    this.#window = this.#settings.worker.concurrency;
    for (const slot of [...this.#crew.slots]) if (slot.load > this.#window) this.#recall(slot);
  }

  /** Takes back what the slot has not started, for whoever comes first. */
  #recall(slot: Slot, then?: () => void): void {
    slot.takeBack((tasks) => {
      const isMine = ({ terms: { key }, pinned }: Task) =>
        pinned === slot || (key !== undefined && this.#lanes.slotOf(key) === slot);
      if (this.#crew.slots.includes(slot)) {
        // In their own line they stay in front of what came later.
        this.#lanes.of(slot).unshift(tasks.filter(isMine));
        this.#putBack(tasks.filter((task) => !isMine(task)));
      } else {
        this.#putBack(tasks);
      }
      then?.();
      this.#feedLane(slot);
      this.#feed();
    });
  }

  #settle(slot: Slot, task: Task, index: number, ok: boolean, value: unknown): void {
    if (ok) this.#succeeded++;
    else {
      this.#failed++;
      const { attempt } = task;
      addCallSite(value, task.site);
      noteOrigin(value, { pid: slot.pid, worker: slot.id, index: task.base + index, attempt });
    }
    task.attempt = 1;
    if (channels.taskSettle.hasSubscribers) {
      const { id, fn, base } = task;
      const about = { pool: this.#heard.pool, id, name: fn.name, item: base + index, ok, worker: slot.id };
      this.#afterwards.do(() => {
        channels.taskSettle.publish(about);
      });
    }
    task.settle(index, ok, value);
    if (task.done === task.count) this.#finish(task);
    else if (this.#stops.any) this.#stops.progressed(task);
  }

  /** No respawn loop: what is pending fails with the error once, and so does at once what comes later. */
  #breakDown(error: unknown): void {
    this.#broken = { error };
    this.#crew.stop();
    this.#failAll(() => error);
  }

  /** Fails everything that is not settled. */
  #failAll(error: () => unknown): void {
    const tasks: Task[] = [];
    for (const slot of this.#everySlot()) {
      // Given up before they come back: nobody runs them, and nobody wants them any more.
      tasks.push(...slot.forget());
      slot.takeBack(() => undefined);
    }
    tasks.push(...this.#backlog.takeAll(), ...this.#lanes.takeAll());
    for (const task of tasks) {
      if (!task.cancelled) task.fail(error());
      this.#finish(task);
    }
    this.room.giveUp();
    this.#changed();
  }

  #finish(task: Task): void {
    if (task.done < task.count) task.sink.cut?.(task.done);
    task.release();
    if (task.cancelled) task.sink.dropped?.();
    if (this.#stops.any) this.#stops.over(task);
    if (--this.#outstanding > 0) return;
    this.#busy(-1);
    this.#afterwards.do(() => {
      this.#dismissIfDone();
      this.room.look();
      this.#changed();
    });
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
