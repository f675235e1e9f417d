import type { TargetReference } from '../function-ref';
import { encodeDefine } from './protocol';

/** Takes the outcomes of a job's items. Never calls the user's code synchronously. */
export interface Sink {
  settle(index: number, ok: boolean, value: unknown): void;
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
  slab = NO_BYTES;
  start = 0;
  length = 0;

  /** @param base the job's index of this task's first item */
  constructor(
    readonly id: number,
    readonly fn: TaskFunction,
    readonly sink: Sink,
    readonly base: number,
    readonly count: number,
  ) {}

  /** Keeps a copy of the message. */
  keep(bytes: Uint8Array, start: number, end: number): void {
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
      else (bytes as Buffer).copy(slab, slabUsed, start, end);
      this.slab = slab;
      this.start = slabUsed;
      slabUsed += length;
    }
    this.length = length;
  }

  /** The message is on a worker's ring now; of a chunk the rest must be known if the worker dies within. */
  sent(): void {
    if (this.count === 1) this.slab = NO_BYTES;
  }
}
