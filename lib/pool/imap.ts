import { settledResult } from './map-job';
import { onAbort } from './on-abort';
import type { Progress } from './progress';
import type { Sink, Stopper, Task } from './task';

/** How an iteration hands work to its pool. */
export interface Source extends Stopper {
  submit(items: readonly unknown[], base: number, sink: Sink): Task;
  /** Whether more may be handed in now. */
  readonly hasRoom: boolean;
  whenRoom(act: () => void): void;
  /** Drops what has not started, unless it is no longer `cancelled` when it is met. */
  cancel(tasks: Iterable<Task>): void;
}

/** What was handed in, and came back without having been run. */
interface Dropped {
  readonly items: readonly unknown[];
  readonly base: number;
}

interface Outcome {
  readonly ok: boolean;
  readonly value: unknown;
}

/**
 * The results of a function over an input of any length, in order or as they finish. Takes no more from the input than
 * `lookAhead` items beyond what was consumed. An item's error appears in its place, and the iteration can go on.
 */
export class PoolIterator<R> implements AsyncIterableIterator<R>, Sink {
  readonly #input: AsyncIterator<unknown> | Iterator<unknown>;
  readonly #source: Source;
  readonly #signal: AbortSignal | undefined;
  #callOff: (() => void) | undefined;
  readonly #ordered: boolean;
  readonly #settled: boolean;
  readonly #chunksize: number;
  readonly #lookAhead: number;
  readonly #tasks = new Set<Task>();
  /** Outcomes by item (ordered), or by order of arrival. */
  readonly #outcomes = new Map<number, Outcome>();
  #arrived = 0;
  #consumed = 0;
  #taken = 0;
  #inputEnded = false;
  #inputError: Outcome | undefined;
  #finished = false;
  /** How often a step was asked for. */
  #asks = 0;
  /** Somebody has not gone on after an error: nothing new is started until he does. */
  #suspended = false;
  #dropped: Dropped[] = [];
  #pulling = false;
  #waitsForRoom = false;
  readonly #progress: Progress | undefined;
  #readers: (() => void)[] = [];

  constructor(
    input: Iterable<unknown> | AsyncIterable<unknown>,
    source: Source,
    options: {
      readonly ordered: boolean;
      readonly settled: boolean;
      readonly chunksize: number;
      readonly lookAhead: number;
      readonly signal: AbortSignal | undefined;
      readonly progress: Progress | undefined;
    },
  ) {
    this.#input = Symbol.asyncIterator in input ? input[Symbol.asyncIterator]() : input[Symbol.iterator]();
    this.#source = source;
    this.#signal = options.signal;
    this.#progress = options.progress;
    this.#ordered = options.ordered;
    this.#settled = options.settled;
    this.#chunksize = options.chunksize;
    this.#lookAhead = options.lookAhead;
  }

  /** Work begins with the call of imap, not with the first next(). */
  begin(): this {
    if (this.#signal?.aborted === true) this.#onAbort();
    else if (this.#signal !== undefined) this.#callOff = onAbort(this.#signal, this.#onAbort);
    void this.#pull();
    return this;
  }

  async next(): Promise<IteratorResult<R, undefined>> {
    this.#asked();
    for (;;) {
      const step = this.#step();
      if (step !== undefined) return step;
      await new Promise<void>((resolve) => this.#readers.push(resolve));
    }
  }

  /** Like {@link next}, and blocks the thread meanwhile; for input that is not asynchronous. */
  nextSync(): IteratorResult<R, undefined> {
    this.#asked();
    for (;;) {
      const step = this.#step();
      if (step !== undefined) return step;
      this.#source.block(() => this.#canStep(), Infinity);
    }
  }

  /** Leaving the loop drops what has not started. */
  async return(): Promise<IteratorResult<R, undefined>> {
    const closed = this.#leave();
    if (closed !== undefined) await closed;
    return { done: true, value: undefined };
  }

  /** {@link return} where nothing can be waited for. */
  returnSync(): IteratorResult<R, undefined> {
    void this.#leave();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  settle(index: number, ok: boolean, value: unknown): void {
    this.#progress?.step();
    this.#outcomes.set(this.#ordered ? index : this.#arrived++, { ok, value });
    this.#wake();
  }

  #canStep(): boolean {
    return (
      this.#finished ||
      this.#outcomes.has(this.#consumed) ||
      (this.#inputEnded && this.#consumed === this.#taken)
    );
  }

  /** The next outcome; undefined if there is none yet. */
  #step(): IteratorResult<R, undefined> | undefined {
    if (this.#finished) {
      const last = this.#inputError;
      this.#inputError = undefined;
      if (last !== undefined) throw last.value;
      return { done: true, value: undefined };
    }
    const outcome = this.#outcomes.get(this.#consumed);
    if (outcome !== undefined) {
      this.#outcomes.delete(this.#consumed++);
      if (!this.#inputEnded && this.#taken - this.#consumed <= this.#lookAhead / 2) void this.#pull();
      const { ok, value } = outcome;
      if (this.#settled) return { done: false, value: settledResult(ok, value) as R };
      if (!ok) {
        this.#suspendUnlessAsked();
        throw value;
      }
      return { done: false, value: value as R };
    }
    if (!this.#inputEnded || this.#consumed < this.#taken) return undefined;
    this.#finish();
    return this.#step();
  }

  /**
   * An error ends a loop without a word to its iterator, but who calls next() can go on. What has not started therefore
   * comes back if there is no next call within a turn of the event loop, and is handed in again by the next one.
   */
  #suspendUnlessAsked(): void {
    const asks = this.#asks;
    setImmediate(() => {
      if (this.#finished || this.#asks !== asks || this.#readers.length > 0) return;
      this.#suspended = true;
      this.#source.cancel(this.#tasks);
    });
  }

  #asked(): void {
    this.#asks++;
    if (!this.#suspended) return;
    this.#suspended = false;
    for (const task of this.#tasks) task.cancelled = false; // those that were not met yet
    for (const { items, base } of this.#dropped.splice(0)) this.#submit(items, base);
    void this.#pull();
  }

  #finish(): void {
    this.#finished = true;
    this.#dropped = [];
    this.#callOff?.();
    this.#wake();
  }

  /** Nobody wants more. What the input makes of it. */
  #leave(): PromiseLike<unknown> | undefined {
    if (this.#finished) return undefined;
    const ended = this.#inputEnded;
    this.#inputEnded = true;
    this.#finish();
    this.#source.cancel(this.#tasks);
    return ended ? undefined : (this.#input.return?.() as PromiseLike<unknown> | undefined);
  }

  readonly #onAbort = (): void => {
    if (this.#finished) return;
    const reason: unknown = this.#signal?.reason;
    void Promise.resolve(this.#leave()).catch(() => undefined); // the reason is what is told
    this.#inputError = { ok: false, value: reason };
    this.#source.stop(this.#tasks, reason);
    this.#wake();
  };

  /** Takes input while the look-ahead allows. At most one runs at a time. */
  async #pull(): Promise<void> {
    if (this.#pulling) return;
    this.#pulling = true;
    let chunk: unknown[] = [];
    try {
      while (
        !this.#inputEnded &&
        !this.#suspended &&
        this.#mayHandIn() &&
        this.#taken + chunk.length - this.#consumed < this.#lookAhead
      ) {
        const step = this.#input.next();
        const result = isPromiseLike(step) ? await step : step;
        if (result.done === true) this.#inputEnded = true;
        else chunk.push(result.value);
        if (chunk.length === this.#chunksize) {
          this.#hand(chunk);
          chunk = [];
        }
      }
    } catch (error) {
      this.#inputEnded = true;
      this.#inputError = { ok: false, value: error };
    }
    this.#hand(chunk);
    if (this.#inputEnded) this.#progress?.ended(this.#taken);
    this.#pulling = false;
    this.#wake();
  }

  #mayHandIn(): boolean {
    if (this.#source.hasRoom) return true;
    if (!this.#waitsForRoom) {
      this.#waitsForRoom = true;
      this.#source.whenRoom(() => {
        this.#waitsForRoom = false;
        void this.#pull();
      });
    }
    return false;
  }

  #hand(chunk: readonly unknown[]): void {
    if (chunk.length === 0 || this.#finished) return;
    const base = this.#taken;
    this.#taken += chunk.length;
    if (this.#suspended) this.#dropped.push({ items: chunk, base });
    else this.#submit(chunk, base);
  }

  #submit(items: readonly unknown[], base: number): void {
    let open = items.length;
    let task: Task | undefined = undefined;
    const sink: Sink = {
      said: (value) => this.#progress?.said(value),
      settle: (index, ok, value) => {
        if (--open === 0 && task !== undefined) this.#tasks.delete(task);
        this.settle(index, ok, value);
      },
      cut: (done) => {
        if (task !== undefined) this.#tasks.delete(task);
        if (!this.#finished) this.#dropped.push({ items: items.slice(done), base: base + done });
      },
    };
    try {
      task = this.#source.submit(items, base, sink);
      if (open > 0) this.#tasks.add(task);
    } catch (error) {
      for (let i = 0; i < items.length; i++) this.settle(base + i, false, error);
    }
  }

  #wake(): void {
    for (const reader of this.#readers.splice(0)) reader();
  }
}

function isPromiseLike<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as { then?: unknown }).then === 'function';
}
