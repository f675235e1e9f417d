import type { Sink, Task } from './task';

/** How an iteration hands work to its pool. */
export type Submit = (items: readonly unknown[], base: number, sink: Sink) => Task;

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
  readonly #submit: Submit;
  readonly #cancel: (tasks: Iterable<Task>) => void;
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
  #readers: (() => void)[] = [];

  constructor(
    input: Iterable<unknown> | AsyncIterable<unknown>,
    submit: Submit,
    cancel: (tasks: Iterable<Task>) => void,
    options: { ordered: boolean; settled: boolean; chunksize: number; lookAhead: number },
  ) {
    this.#input = Symbol.asyncIterator in input ? input[Symbol.asyncIterator]() : input[Symbol.iterator]();
    this.#submit = submit;
    this.#cancel = cancel;
    this.#ordered = options.ordered;
    this.#settled = options.settled;
    this.#chunksize = options.chunksize;
    this.#lookAhead = options.lookAhead;
  }

  /** Work begins with the call of imap, not with the first next(). */
  begin(): this {
    void this.#pull();
    return this;
  }

  async next(): Promise<IteratorResult<R, undefined>> {
    for (;;) {
      if (this.#finished) return { done: true, value: undefined };
      const outcome = this.#outcomes.get(this.#consumed);
      if (outcome !== undefined) {
        this.#outcomes.delete(this.#consumed++);
        if (!this.#inputEnded && this.#taken - this.#consumed <= this.#lookAhead / 2) void this.#pull();
        if (this.#settled) {
          const { ok, value } = outcome;
          return {
            done: false,
            value: (ok ? { status: 'fulfilled', value } : { status: 'rejected', reason: value }) as R,
          };
        }
        if (!outcome.ok) throw outcome.value;
        return { done: false, value: outcome.value as R };
      }
      if (this.#inputEnded && this.#consumed === this.#taken) {
        this.#finished = true;
        if (this.#inputError !== undefined) throw this.#inputError.value;
        continue;
      }
      await new Promise<void>((resolve) => this.#readers.push(resolve));
    }
  }

  /** Leaving the loop drops what has not started. */
  async return(): Promise<IteratorResult<R, undefined>> {
    if (!this.#finished) {
      this.#finished = true;
      const ended = this.#inputEnded;
      this.#inputEnded = true;
      this.#cancel(this.#tasks);
      if (!ended) await this.#input.return?.();
      this.#wake();
    }
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  settle(index: number, ok: boolean, value: unknown): void {
    this.#outcomes.set(this.#ordered ? index : this.#arrived++, { ok, value });
    this.#wake();
  }

  /** Takes input while the look-ahead allows. At most one runs at a time. */
  async #pull(): Promise<void> {
    if (this.#pulling) return;
    this.#pulling = true;
    let chunk: unknown[] = [];
    try {
      while (!this.#inputEnded && this.#taken + chunk.length - this.#consumed < this.#lookAhead) {
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
      task = this.#submit(chunk, base, sink);
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
