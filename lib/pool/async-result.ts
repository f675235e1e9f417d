import { inspect } from 'node:util';
import { InvalidStateError, TimeoutError } from '../errors';
import { record, timeout } from '../options';

export interface ResultWaitOptions {
  /** Milliseconds; 0 polls. @default Infinity */
  readonly timeout?: number;
}

interface Outcome<T> {
  state: 'pending' | 'fulfilled' | 'rejected';
  value: T | undefined;
  error: unknown;
  asked: boolean;
}

const unasked = new FinalizationRegistry<Outcome<unknown>>((outcome) => {
  if (outcome.state !== 'rejected' || outcome.asked) return;
  const { error } = outcome;
  const text = error instanceof Error ? (error.stack ?? String(error)) : inspect(error);
  process.emitWarning(`a task failed, and nobody asked for its result: ${text}`, 'ForkfulUnaskedError');
});

/** The result of a task that has been handed in: await it, or ask when it suits. Keeps its error until asked. */
export class AsyncResult<T> implements PromiseLike<T> {
  readonly #outcome: Outcome<T> = { state: 'pending', value: undefined, error: undefined, asked: false };
  #listeners: (() => void)[] | undefined;

  /** @internal */
  constructor(start: (resolve: (value: T) => void, reject: (error: unknown) => void) => void) {
    const settle = (state: 'fulfilled' | 'rejected', value: T | undefined, error: unknown) => {
      if (this.#outcome.state !== 'pending') return;
      Object.assign(this.#outcome, { state, value, error });
      if (state === 'rejected') unasked.register(this, this.#outcome);
      const listeners = this.#listeners;
      this.#listeners = undefined;
      if (listeners !== undefined) for (const listener of listeners) listener();
    };
    start(
      (value) => {
        settle('fulfilled', value, undefined);
      },
      (error) => {
        settle('rejected', undefined, error);
      },
    );
  }

  /**
   * The result.
   * @throws what the task threw
   * @throws TimeoutError after `timeout` ms; the task goes on
   */
  get(options?: ResultWaitOptions): Promise<T> {
    this.#outcome.asked = true;
    return new Promise((resolve, reject) => {
      this.#when(limitOf('get', options), () => {
        const { state, value, error } = this.#outcome;
        if (state === 'fulfilled') resolve(value as T);
        // eslint-disable-next-line @typescript-eslint/prefer-promise-reject-errors -- what the task threw
        else if (state === 'rejected') reject(error);
        else
          reject(
            new TimeoutError(
              'the task was not done within the given time; it goes on, and get() can be called again',
            ),
          );
      });
    });
  }

  /** Waits until the task is done, whatever the outcome, but at most `timeout` ms. */
  wait(options?: ResultWaitOptions): Promise<void> {
    return new Promise((resolve) => {
      this.#when(limitOf('wait', options), resolve);
    });
  }

  /** Whether the task is done. */
  ready(): boolean {
    return this.#outcome.state !== 'pending';
  }

  /** Whether the task returned a value. @throws InvalidStateError while it is not done */
  successful(): boolean {
    if (!this.ready()) throw new InvalidStateError('the task is not done; ask ready() first, or wait()');
    return this.#outcome.state === 'fulfilled';
  }

  then<A = T, B = never>(
    onFulfilled?: ((value: T) => A | PromiseLike<A>) | null,
    onRejected?: ((error: unknown) => B | PromiseLike<B>) | null,
  ): Promise<A | B> {
    return this.get().then(onFulfilled, onRejected);
  }

  catch<B>(onRejected: (error: unknown) => B | PromiseLike<B>): Promise<T | B> {
    return this.get().catch(onRejected);
  }

  finally(onFinally: () => void): Promise<T> {
    return this.get().finally(onFinally);
  }

  #when(limit: number, act: () => void): void {
    if (this.ready() || limit <= 0) {
      act();
      return;
    }
    const listener = () => {
      clearTimeout(timer);
      act();
    };
    const timer =
      limit === Infinity
        ? undefined
        : setTimeout(
            () => {
              this.#listeners = this.#listeners?.filter((other) => other !== listener);
              act();
            },
            Math.min(limit, 2 ** 31 - 1),
          );
    (this.#listeners ??= []).push(listener);
  }
}

function limitOf(call: string, options: ResultWaitOptions | undefined): number {
  if (options === undefined) return Infinity;
  return timeout(`${call} option "timeout"`, record(`${call} options`, options, ['timeout']).timeout);
}
