import { inspect } from 'node:util';
import { InvalidStateError, TimeoutError } from '../errors';
import { timeoutOption } from '../options';
import { after } from '../timer';
import type { Sink } from './task';

export interface ResultWaitOptions {
  /** Milliseconds; 0 polls. @default Infinity */
  readonly timeout?: number;
}

export interface CallbackOptions<R> {
  /** Called with the result. */
  readonly callback?: (result: R) => void;
  /** Called with the error. */
  readonly errorCallback?: (error: unknown) => void;
}

interface Unasked {
  readonly error: unknown;
  asked: boolean;
}

const unasked = new FinalizationRegistry<Unasked>(({ error, asked }) => {
  if (asked) return;
  const text = error instanceof Error ? (error.stack ?? String(error)) : inspect(error);
  process.emitWarning(`a task failed, and nobody asked for its result: ${text}`, 'ForkfulUnaskedError');
});

/**
 * The result of a task that has been handed in: await it, or ask when it suits. Keeps its error until asked; an error
 * that nobody ever asks for becomes a process warning.
 */
export class AsyncResult<T> implements PromiseLike<T>, Sink {
  #state: 'pending' | 'fulfilled' | 'rejected' = 'pending';
  #value: unknown;
  #unasked: Unasked | undefined;
  #callbacks: CallbackOptions<T> | undefined;
  // Made when somebody asks; most results of a large batch are asked for once, or never.
  #promise: Promise<T> | undefined;
  #resolve: ((value: T) => void) | undefined;
  #reject: ((error: unknown) => void) | undefined;
  #waiters: (() => void)[] | undefined;

  /** @internal */
  constructor(callbacks: CallbackOptions<T> | undefined) {
    this.#callbacks = callbacks;
  }

  /**
   * The result.
   * @throws what the task threw
   * @throws TimeoutError after `timeout` ms; the task goes on
   */
  get(options?: ResultWaitOptions): Promise<T> {
    let limit: number;
    try {
      limit = timeoutOption('get', options);
    } catch (error) {
      return Promise.reject(error);
    }
    if (limit === Infinity || this.ready()) return this.#ask();
    return new Promise((resolve, reject) => {
      this.#within(limit, () => {
        if (this.ready()) this.#ask().then(resolve, reject);
        else
          reject(
            new TimeoutError(
              'the task was not done within the given time; it goes on: get() can be called again',
            ),
          );
      });
    });
  }

  /** Waits until the task is done, whatever the outcome, but at most `timeout` ms. */
  async wait(options?: ResultWaitOptions): Promise<void> {
    const limit = timeoutOption('wait', options);
    if (this.ready()) return;
    await new Promise<void>((resolve) => {
      this.#within(limit, resolve);
    });
  }

  /** Whether the task is done. */
  ready(): boolean {
    return this.#state !== 'pending';
  }

  /** Whether the task returned a value. @throws InvalidStateError while it is not done */
  successful(): boolean {
    if (!this.ready()) throw new InvalidStateError('the task is not done; ask ready() first, or wait()');
    return this.#state === 'fulfilled';
  }

  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.#ask().then(onFulfilled, onRejected);
  }

  catch<B>(onRejected: (error: unknown) => B | PromiseLike<B>): Promise<T | B> {
    return this.#ask().catch(onRejected);
  }

  finally(onFinally: () => void): Promise<T> {
    return this.#ask().finally(onFinally);
  }

  /** @internal */
  settle(_index: number, ok: boolean, value: unknown): void {
    if (this.ready()) return;
    this.#state = ok ? 'fulfilled' : 'rejected';
    this.#value = value;
    if (this.#promise !== undefined) {
      if (ok) this.#resolve?.(value as T);
      else this.#reject?.(value);
    } else if (!ok) {
      unasked.register(this, (this.#unasked = { error: value, asked: false }));
    }
    const waiters = this.#waiters;
    this.#waiters = undefined;
    if (waiters !== undefined) for (const waiter of waiters) waiter();
    if (this.#callbacks !== undefined) this.#callBack(this.#callbacks, ok, value);
  }

  /** As a microtask: what a callback throws is an uncaught error of the caller, not of the pool. */
  #callBack({ callback, errorCallback }: CallbackOptions<T>, ok: boolean, value: unknown): void {
    this.#callbacks = undefined;
    if (ok && callback !== undefined) queueMicrotask(() => callback(value as T));
    if (!ok && errorCallback !== undefined) queueMicrotask(() => errorCallback(value));
  }

  #ask(): Promise<T> {
    if (this.#unasked !== undefined) this.#unasked.asked = true;
    return (this.#promise ??= new Promise<T>((resolve, reject) => {
      if (this.#state === 'fulfilled') {
        resolve(this.#value as T);
      } else if (this.#state === 'rejected') {
        reject(this.#value);
      } else {
        this.#resolve = resolve;
        this.#reject = reject;
      }
    }));
  }

  /** Acts when the task is done, or the time is over. */
  #within(limit: number, act: () => void): void {
    if (limit <= 0) {
      act();
      return;
    }
    const waiter = () => {
      clearTimeout(timer);
      act();
    };
    const timer = after(limit, () => {
      this.#waiters = this.#waiters?.filter((other) => other !== waiter);
      act();
    });
    (this.#waiters ??= []).push(waiter);
  }
}
