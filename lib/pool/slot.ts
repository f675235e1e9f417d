import type { Readable } from 'node:stream';
import type { Task } from './task';
import type { TaskTimes } from './task-times';

/** How a slot ended. */
export interface SlotExit {
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A place where tasks run, one after the other: all that the scheduler knows of a worker. */
export interface Slot {
  readonly id: number;
  readonly name: string;
  /** 0 until there is a process. */
  readonly pid: number;
  /** Whether it has begun to take tasks. */
  readonly ready: boolean;
  /** Tasks sent and not done. */
  readonly load: number;
  /** Whether it takes one more task: fewer than `window` wait there to be started. */
  hasRoom(window: number): boolean;
  /** Whether what it has wants it for itself. */
  readonly isTaken: boolean;
  readonly exit: SlotExit;
  /** Outcomes that it has told. */
  readonly finished: number;
  readonly times: TaskTimes;
  /** When (performance.now()) it was given something to do, or last told something. */
  readonly since: number;
  start(): void;
  /** false: it takes nothing any more. */
  send(task: Task, data: Uint8Array, start: number, length: number, lead?: Buffer): boolean;
  /** What was sent last is all that the pool waits for. */
  awaited(): void;
  /**
   * Takes back, oldest first, all that it has not started, and tells `done`, at once or later; nobody runs these now.
   */
  takeBack(done: (tasks: Task[]) => void): void;
  /** Takes in what it has said, and tells of it. */
  takeIn(): void;
  /** What it has and has not finished, oldest first. */
  unfinished(): Task[];
  /** Gives up all it has: whatever it still reports is nobody's. */
  forget(): Task[];
  /** Tells a task that runs that it should end. Of several items only this one; undefined: the whole task. */
  stop(task: Task, item: number | undefined, reason: unknown): void;
  /** Lets a task yield more. */
  grant(task: Task, count: number): void;
  kill(signal: 'SIGTERM' | 'SIGKILL'): void;
  /** SIGTERM, and SIGKILL if that does not help within a second. */
  endSoon(): void;
  /** Lets it finish what it has, then end. */
  close(): void;
}

/** What the scheduler hears of a slot. */
export interface SlotEvents {
  ready(slot: Slot): void;
  /** What it prints, if the pool pipes that. */
  prints(stdout: Readable, stderr: Readable): void;
  /** The initializer runs now. */
  initializing(slot: Slot): void;
  initializerFailed(slot: Slot, error: unknown): void;
  /** It starts nothing more, and will end by itself. */
  retiring(slot: Slot): void;
  /** Told only of tasks that asked for it. */
  started(slot: Slot, task: Task): void;
  result(slot: Slot, task: Task, index: number, ok: boolean, value: unknown): void;
  /** It has not finished the task, does not run it, and does not have it any more. */
  returned(task: Task): void;
  /** Reports have been taken in; there may be room for more work. */
  drained(slot: Slot): void;
  /** It has ended, and everything it said was told. It never started these tasks. */
  ended(slot: Slot, notStarted: Task[]): void;
  /** There is nothing that could run anything. */
  notStarted(slot: Slot, tasks: Task[], error: unknown): void;
}
