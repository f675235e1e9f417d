import type { RetainedShares } from '../backend/backend';
import type { TargetReference } from '../function-ref';
import type { CallSite } from './call-site';
import { Kind, encodeDefine, goOnFrom, joined } from './protocol';
import type { Slot } from './slot';
import type { Terms } from './terms';

/** Takes the outcomes of a job's items. Never calls the user's code synchronously. */
export interface Sink {
  settle(index: number, ok: boolean, value: unknown): void;
  /** What a stream's task yields. */
  yielded?(value: unknown): void;
  /** What a task says of its progress. */
  said?(value: unknown): void;
  /** A task that nobody wanted any more runs nowhere. Told at least once. */
  dropped?(): void;
  /** A cancelled task was met before it was over: only its first `done` items have outcomes. */
  cut?(done: number): void;
}

/** Takes the one outcome of a call. */
export interface Outcome extends Sink {
  /** Whether anybody still wants it. */
  readonly isOpen: boolean;
}

/** Ends tasks, and waits for them. */
export interface Stopper {
  /** The caller has settled the tasks, or waits to hear that they were dropped. */
  stop(tasks: Iterable<Task>, reason: unknown): void;
  /** Blocks the thread; false if `timeout` ms were not enough. */
  block(done: () => boolean, timeout: number): boolean;
}

/** A function that the pool's workers run. */
export class TaskFunction {
  readonly id: number;
  readonly name: string;
  /** What tells a worker of it. */
  readonly definition: Buffer;

  constructor(id: number, reference: TargetReference) {
    this.id = id;
    this.name = reference.kind === 'inline' ? 'inline function' : reference.name;
    this.definition = encodeDefine(id, reference);
  }
}

const SLAB_BYTES = 64 * 1024;
let slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
let slabUsed = 0;

const NO_BYTES = Buffer.alloc(0);

/**
 * A unit that goes to one worker: one item, or the consecutive items of a chunk. There may be a million of them, so
 * their messages share slabs.
 */
export class Task {
  /** Items whose outcome is known; the next one is what a worker runs. */
  done = 0;
  /** Nobody wants it any more: it is dropped when it is met before it started. */
  cancelled = false;
  /** Who has it. */
  slot: Slot | undefined;
  /** An item whose outcome was told before the worker told it. */
  givenUp = -1;
  /** Which run of the item `done` this is. */
  attempt = 1;
  /** When (performance.now()) it was handed in. */
  readonly since = performance.now();
  /** Of the handles in its message: whoever runs it, and however often, gets them from here. */
  rights: RetainedShares | undefined;
  /** Where it was handed in, if that is known. */
  site: CallSite | undefined;
  /** The only one that may run it. */
  pinned: Slot | undefined;
  /** Of its message. */
  tag: number = Kind.Task;
  slab: Buffer = NO_BYTES;
  start = 0;
  length = 0;

  /** @param base the job's index of this task's first item */
  constructor(
    readonly id: number,
    readonly fn: TaskFunction,
    readonly sink: Sink,
    readonly base: number,
    readonly count: number,
    readonly terms: Terms,
  ) {}

  /** What errors call the item that runs. */
  get label(): string {
    return `${this.fn.name} (task ${this.id}, item ${this.base + this.done})`;
  }

  /** Whether its message is needed after it was sent: of a chunk the rest must be known if the worker dies within. */
  get mustKeep(): boolean {
    return this.count > 1 || this.terms.retries > 0 || this.rights !== undefined;
  }

  /** Gives the item `done` its outcome, unless that was told before. */
  settle(index: number, ok: boolean, value: unknown): void {
    if (index !== this.givenUp) this.sink.settle(this.base + index, ok, value);
  }

  /** It is over. */
  release(): void {
    this.rights?.release();
    this.rights = undefined;
    this.site = undefined; // it refers to all that was called
  }

  /** Settles all that has no outcome with an error. */
  fail(error: unknown): void {
    for (; this.done < this.count; this.done++) this.settle(this.done, false, error);
  }

  /** The message, made ready to be sent again. */
  prepare(): void {
    if (this.done > 0 || this.attempt > 1) goOnFrom(this, this.done, this.attempt);
  }

  /** Keeps a copy of the message. */
  keep(bytes: Buffer, start: number, end: number, lead?: Buffer): void {
    if (lead !== undefined) {
      this.slab = joined(lead, bytes, end);
      this.start = 0;
      this.length = this.slab.length;
      return;
    }
    const length = end - start;
    if (length > SLAB_BYTES / 4) {
      this.slab = Buffer.from(bytes.subarray(start, end));
      this.start = 0;
    } else {
      if (slabUsed + length > SLAB_BYTES) {
        slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
        slabUsed = 0;
      }
      if (start === 0 && end === bytes.length) slab.set(bytes, slabUsed);
      else bytes.copy(slab, slabUsed, start, end);
      this.slab = slab;
      this.start = slabUsed;
      slabUsed += length;
    }
    this.length = length;
  }

  /** The message is on a slot's ring now. */
  sent(slot: Slot): void {
    this.slot = slot;
    if (!this.mustKeep) this.slab = NO_BYTES;
  }
}
