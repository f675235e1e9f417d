import { AsyncResource } from 'node:async_hooks';
import { inspect } from 'node:util';
import { CancelledError, InvalidStateError, TimeoutError } from '../errors';
import { timeoutOption, waitOptions, type SyncWaitOptions, type WaitOptions } from '../options';
import { within } from '../within';
import type { Outcome, Stopper, Task } from './task';

/** What `get` and `wait` take: they only ever stop waiting, the task goes on. */
export type ResultWaitOptions = WaitOptions;

/** What is called, beside the promise, when the outcome is there. */
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
export class AsyncResult<T> implements PromiseLike<T>, Outcome {
  #state: 'pending' | 'fulfilled' | 'rejected' = 'pending';
  #value: unknown;
  #unasked: Unasked | undefined;
  #callbacks: CallbackOptions<T> | undefined;
  readonly #stopper: Stopper;
  #tasks: Task | readonly Task[] | undefined;
  // Made when somebody asks; most results of a large batch are asked for once, or never.
  #promise: Promise<T> | undefined;
  #resolve: ((value: T) => void) | undefined;
  #reject: ((error: unknown) => void) | undefined;
  #waiters: (() => void)[] | undefined;

  /** @internal */
  constructor(callbacks: CallbackOptions<T> | undefined, stopper: Stopper) {
    this.#callbacks = callbacks === undefined ? undefined : inThisContext(callbacks);
    this.#stopper = stopper;
  }

  /** @internal What gives the result; more may be added to an array. */
  comesFrom(tasks: Task | readonly Task[]): this {
    this.#tasks = tasks;
    return this;
  }

  /**
   * The result.
   * @throws what the task threw
   * @throws TimeoutError after `timeout` ms; the task goes on
   * @throws signal.reason when the signal is aborted; the task goes on
   */
  async get(options?: ResultWaitOptions): Promise<T> {
    const { timeout, signal } = waitOptions('get', options);
    if (!(await this.#within(timeout, signal))) throw notDone();
    return this.#ask();
  }

  /**
   * Waits until the task is done, whatever the outcome, but at most `timeout` ms.
   * @throws signal.reason when the signal is aborted
   */
  async wait(options?: ResultWaitOptions): Promise<void> {
    const { timeout, signal } = waitOptions('wait', options);
    await this.#within(timeout, signal);
  }

  /** Like {@link get}, and blocks the thread meanwhile. */
  getSync(options?: SyncWaitOptions): T {
    if (!this.#stopper.block(() => this.ready(), timeoutOption('getSync', options))) throw notDone();
    if (this.#unasked !== undefined) this.#unasked.asked = true;
    if (this.#state === 'rejected') throw this.#value;
    return this.#value as T;
  }

  /** Like {@link wait}, and blocks the thread meanwhile. */
  waitSync(options?: SyncWaitOptions): void {
    this.#stopper.block(() => this.ready(), timeoutOption('waitSync', options));
  }

  /**
   * Rejects the result at once and stops the task: its `currentTask().signal` fires, and if it has not ended `killAfter`
   * ms later, its worker is ended.
   * @param reason what the result rejects with @default a CancelledError
   * @returns whether it was not done already
   */
  cancel(reason: unknown = new CancelledError('the task was cancelled before it was done')): boolean {
    if (this.ready()) return false;
    this.settle(0, false, reason);
    if (this.#unasked !== undefined) this.#unasked.asked = true; // who cancels knows
    const tasks = this.#tasks ?? [];
    this.#stopper.stop(Array.isArray(tasks) ? (tasks as Task[]) : [tasks as Task], reason);
    return true;
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

  /** As of a promise of the result. */
  catch<B>(onRejected: (error: unknown) => B | PromiseLike<B>): Promise<T | B> {
    return this.#ask().catch(onRejected);
  }

  /** As of a promise of the result. */
  finally(onFinally: () => void): Promise<T> {
    return this.#ask().finally(onFinally);
  }

  /** @internal */
  get isOpen(): boolean {
    return !this.ready();
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

  /** Whether the task is done within the time. */
  async #within(limit: number, signal: AbortSignal | undefined): Promise<boolean> {
    if (this.ready()) return true;
    signal?.throwIfAborted();
    if (limit <= 0) return false;
    return within(
      { timeout: limit, signal },
      () => this.ready(),
      (resolve) => {
        const onDone = () => {
          resolve(true);
        };
        (this.#waiters ??= []).push(onDone);
        return () => {
          this.#waiters = this.#waiters?.filter((other) => other !== onDone);
        };
      },
    );
  }
}

/** Callbacks find the AsyncLocalStorage of the call, not of whatever brought the result. */
function inThisContext<T>({ callback, errorCallback }: CallbackOptions<T>): CallbackOptions<T> | undefined {
  if (typeof callback !== 'function' && typeof errorCallback !== 'function') return undefined;
  return {
    ...(typeof callback === 'function' && { callback: AsyncResource.bind(callback) }),
    ...(typeof errorCallback === 'function' && { errorCallback: AsyncResource.bind(errorCallback) }),
  };
}

function notDone(): TimeoutError {
  return new TimeoutError(
    'the task was not done within the given time; it goes on: get() can be called again',
  );
}
