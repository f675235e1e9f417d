import type { Resolver } from './types';

type Listener = (value: any) => void;

class CancellationError extends Error {
  override name = 'CancellationError';

  constructor(message = 'promise cancelled') {
    super(message);
  }
}

class TimeoutError extends Error {
  override name = 'TimeoutError';

  constructor(message = 'timeout exceeded') {
    super(message);
  }
}

/**
 * A promise that can be cancelled. As in workerpool its callbacks are called when it is settled, not a microtask later,
 * and a rejection that nobody handles is no event of the process.
 */
class CancellablePromise<T, E = Error> {
  static CancellationError = CancellationError;
  static TimeoutError = TimeoutError;

  /** Resolves when all are resolved; rejects with the first rejection. */
  static all(promises: CancellablePromise<any>[]): CancellablePromise<any[], any> {
    return new CancellablePromise((resolve: Listener, reject: Listener) => {
      const results: unknown[] = [];
      let remaining = promises.length;
      if (remaining === 0) resolve(results);
      promises.forEach((promise, i) => {
        promise.then((result) => {
          results[i] = result;
          if (--remaining === 0) resolve(results);
        }, reject);
      });
    });
  }

  static defer(): Resolver {
    let settle: Pick<Resolver, 'resolve' | 'reject'> | undefined;
    const promise = new CancellablePromise<any>((resolve: Listener, reject: Listener) => {
      settle = { resolve, reject };
    });
    return { promise, ...(settle as unknown as Pick<Resolver, 'resolve' | 'reject'>) };
  }

  readonly [Symbol.toStringTag]: string = 'Promise';
  #state: 'pending' | 'resolved' | 'rejected' = 'pending';
  #value: unknown;
  #listeners: { readonly resolved: Listener; readonly rejected: Listener }[] = [];
  readonly #parent: CancellablePromise<any, any> | undefined;

  /** @param parent takes `cancel` and `timeout` in the place of this */
  constructor(handler: Function, parent?: CancellablePromise<any, any>) {
    if (typeof handler !== 'function')
      throw new SyntaxError('Function parameter handler(resolve, reject) missing');
    this.#parent = parent;
    handler(
      (result: unknown) => {
        this.#settle('resolved', result);
      },
      (error: unknown) => {
        this.#settle('rejected', error);
      },
    );
  }

  get resolved(): boolean {
    return this.#state === 'resolved';
  }

  get rejected(): boolean {
    return this.#state === 'rejected';
  }

  get pending(): boolean {
    return this.#state === 'pending';
  }

  then<TT, TE = never>(
    onSuccess?: ((result: T) => TT | PromiseLike<TT>) | null,
    onFail?: ((error: E) => TE | PromiseLike<TE>) | null,
  ): CancellablePromise<TT | TE, any> {
    return new CancellablePromise((resolve: Listener, reject: Listener) => {
      this.#listen(
        onSuccess ? following(onSuccess, resolve, reject) : resolve,
        onFail ? following(onFail, resolve, reject) : reject,
      );
    }, this);
  }

  catch<TT>(onFail: (error: E) => TT | PromiseLike<TT>): CancellablePromise<T | TT> {
    return this.then<T, TT>(null, onFail);
  }

  /** Calls `fn` whatever the outcome. */
  always<TT>(fn: () => CancellablePromise<TT>): CancellablePromise<TT> {
    return this.then(fn, fn) as CancellablePromise<TT>;
  }

  /** Like that of Node's promises. */
  finally(fn?: Function | null): CancellablePromise<any> {
    const last = () =>
      new CancellablePromise<undefined>((resolve: Listener) => {
        resolve(undefined);
      })
        .then(fn as (() => unknown) | null | undefined)
        .then(() => this as CancellablePromise<any>);
    return this.then(last, last);
  }

  /** Rejects with a CancellationError; the worker of a task that runs ends, unless its abort listeners clean up. */
  cancel(): this {
    if (this.#parent) this.#parent.cancel();
    else this.#settle('rejected', new CancellationError());
    return this;
  }

  /** Rejects with a TimeoutError after so many ms, if it is pending then, and else like {@link cancel}. */
  timeout(delay: number): this {
    if (this.#parent) {
      this.#parent.timeout(delay);
    } else {
      const timer = setTimeout(() => {
        this.#settle('rejected', new TimeoutError(`Promise timed out after ${delay} ms`));
      }, delay);
      const clear = () => {
        clearTimeout(timer);
      };
      this.#listen(clear, clear);
    }
    return this;
  }

  #listen(resolved: Listener, rejected: Listener): void {
    if (this.#state === 'pending') this.#listeners.push({ resolved, rejected });
    else (this.#state === 'resolved' ? resolved : rejected)(this.#value);
  }

  #settle(state: 'resolved' | 'rejected', value: unknown): void {
    if (this.#state !== 'pending') return;
    this.#state = state;
    this.#value = value;
    const listeners = this.#listeners;
    this.#listeners = [];
    for (const listener of listeners) listener[state](value);
  }
}

/** Settles a promise with what the callback makes of an outcome. */
function following(callback: (value: any) => unknown, resolve: Listener, reject: Listener): Listener {
  return (value) => {
    try {
      const result = callback(value) as Partial<CancellablePromise<unknown>> | null | undefined;
      if (typeof result?.then === 'function' && typeof result.catch === 'function')
        result.then(resolve, reject);
      else resolve(result);
    } catch (error) {
      reject(error);
    }
  };
}

export { CancellablePromise as Promise };
