import { CancelledError } from '../errors';
import { Fifo } from '../fifo';
import type { Outcome, Stopper, Task } from './task';

/** How far (values) a task may run ahead of its consumer. */
export const STREAM_AHEAD = 64;
/** How many values the consumer takes before it tells the worker. */
const REPORTED = STREAM_AHEAD / 2;

/** What one task yields, as it comes; its error follows the values before it. */
export class PoolStream<T> implements AsyncIterableIterator<T>, Outcome {
  readonly #stopper: Stopper;
  readonly #values = new Fifo<{ readonly value: unknown }>();
  #task: Task | undefined;
  #end: { readonly ok: boolean; readonly error: unknown } | undefined;
  #unreported = 0;
  #readers: (() => void)[] = [];

  constructor(stopper: Stopper) {
    this.#stopper = stopper;
  }

  comesFrom(task: Task | undefined): this {
    this.#task = task;
    return this;
  }

  get isOpen(): boolean {
    return this.#end === undefined;
  }

  yielded(value: unknown): void {
    if (!this.isOpen) return;
    this.#values.push({ value });
    this.#wake();
  }

  settle(_index: number, ok: boolean, error: unknown): void {
    if (!this.isOpen) return;
    this.#end = { ok, error };
    this.#wake();
  }

  async next(): Promise<IteratorResult<T, undefined>> {
    for (;;) {
      const first = this.#values.shift();
      if (first !== undefined) {
        this.#consumed();
        return { done: false, value: first.value as T };
      }
      if (this.#end !== undefined) {
        const { ok, error } = this.#end;
        this.#end = { ok: true, error: undefined };
        if (!ok) throw error;
        return { done: true, value: undefined };
      }
      await new Promise<void>((resolve) => this.#readers.push(resolve));
    }
  }

  /** Leaving the loop stops the task. */
  return(): Promise<IteratorResult<T, undefined>> {
    const reason = new CancelledError('nobody takes what the task yields any more');
    const wasOpen = this.isOpen;
    this.#end = { ok: true, error: undefined };
    this.#values.remove(() => true);
    this.#wake();
    if (wasOpen && this.#task !== undefined) this.#stopper.stop([this.#task], reason);
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #consumed(): void {
    if (++this.#unreported < REPORTED) return;
    this.#task?.slot?.grant(this.#task, this.#unreported);
    this.#unreported = 0;
  }

  #wake(): void {
    for (const reader of this.#readers.splice(0)) reader();
  }
}
