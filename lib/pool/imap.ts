import { settledResult } from './map-job';
import { onAbort } from './on-abort';
import type { Sink, Stopper, Task } from './task';

/** How an iteration hands work to its pool. */
export interface Source extends Stopper {
  submit(items: readonly unknown[], base: number, sink: Sink): Task;
  /** Whether more may be handed in now. */
  readonly hasRoom: boolean;
  whenRoom(act: () => void): void;
  /** Drops what has not started. */
  cancel(tasks: Iterable<Task>): void;
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
  #pulling = false;
  #waitsForRoom = false;
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
    },
  ) {
    this.#input = Symbol.asyncIterator in input ? input[Symbol.asyncIterator]() : input[Symbol.iterator]();
    this.#source = source;
    this.#signal = options.signal;
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
    for (;;) {
      const step = this.#step();
      if (step !== undefined) return step;
      await new Promise<void>((resolve) => this.#readers.push(resolve));
    }
  }

  /** Like {@link next}, and blocks the thread meanwhile; for input that is not asynchronous. */
  nextSync(): IteratorResult<R, undefined> {
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
      if (!ok) throw value;
      return { done: false, value: value as R };
    }
    if (!this.#inputEnded || this.#consumed < this.#taken) return undefined;
    this.#finish();
    return this.#step();
  }

  #finish(): void {
    this.#finished = true;
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
    let open = chunk.length;
    let task: Task | undefined = undefined;
    const sink: Sink = {
      settle: (index, ok, value) => {
        if (--open === 0 && task !== undefined) this.#tasks.delete(task);
        this.settle(index, ok, value);
      },
    };
    try {
      task = this.#source.submit(chunk, base, sink);
      if (open > 0) this.#tasks.add(task);
    } catch (error) {
      for (let i = 0; i < chunk.length; i++) this.settle(base + i, false, error);
    }
  }

  #wake(): void {
    for (const reader of this.#readers.splice(0)) reader();
  }
}

function isPromiseLike<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return typeof (value as { then?: unknown }).then === 'function';
}
