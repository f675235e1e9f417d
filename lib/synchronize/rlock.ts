import { AsyncLocalStorage } from 'node:async_hooks';
import { backend } from '../backend';
import type { Wait } from '../backend/backend';
import type { Semaphore as Units } from '../backend/synchronize';
import { InvalidArgumentError, InvalidStateError } from '../errors';
import { perProcess } from '../forked';
import { registerHandleType } from '../handles';
import { timeoutOption, type SyncWaitOptions, type WaitOptions } from '../options';
import { Acquirable } from './acquirable';
import { INSIDE, type ExclusiveLock, type LockInside } from './exclusive';
import { MUTEX, OpenedUnits } from './opened';
import { waitOf } from './waits';

/** One call of {@link RLock.run}: what it calls, also later, belongs to it. */
interface Context {
  readonly lock: RLock;
}

/** What this process knows of its own hold. */
interface Here {
  owner: Context | undefined;
  depth: number;
  /** Asynchronous calls that are not settled: a Sync call comes after them. */
  acquiring: number;
}

interface Held {
  readonly context: Context | undefined;
  readonly depth: number;
}

/**
 * A lock that its owner may acquire again. The owner is this process: by the Sync forms, which count, and by {@link run}
 * with all that it calls. Two asynchronous flows of one process exclude each other: an `await acquire()` goes on at once
 * only inside the `run()` that holds the lock. A process has one handle of an RLock; more would not know of each other.
 */
export class RLock extends Acquirable implements ExclusiveLock {
  readonly #units: Units;
  readonly #contexts = new AsyncLocalStorage<Context>();
  readonly #here = perProcess<Here>(() => ({ owner: undefined, depth: 0, acquiring: 0 }));

  /** There are no options. @throws InvalidArgumentError */
  constructor();
  constructor(opened?: unknown) {
    if (opened !== undefined && !(opened instanceof OpenedUnits)) throw noOptions();
    const units = opened ?? OpenedUnits.create('RLock', 'lock', undefined, MUTEX);
    super('RLock', units);
    this.#units = units.units;
  }

  /** As of a {@link Lock}. Inside {@link run} it counts, and does not wait. */
  async acquire(options?: WaitOptions): Promise<boolean> {
    const wait = waitOf('acquire', options, this);
    const context = this.#contexts.getStore();
    const here = this.#here();
    if (here.depth > 0 && context !== undefined && here.owner === context) {
      here.depth++;
      return true;
    }
    return this.#take(wait, { context, depth: 1 });
  }

  /**
   * Like {@link acquire}, and blocks the thread meanwhile; counts if this process holds the lock already.
   * @throws InvalidStateError if another asynchronous flow of this process holds it: it could not go on to release it
   */
  acquireSync(options?: SyncWaitOptions): boolean {
    const timeout = timeoutOption('acquireSync', options);
    const context = this.#contexts.getStore();
    const here = this.#here();
    const left = here.depth === 0 && here.acquiring > 0 ? this.#comeAfter(timeout) : timeout;
    if (here.depth > 0) {
      if (here.owner === undefined || here.owner === context) {
        here.depth++;
        return true;
      }
      if (timeout === Infinity) {
        throw new InvalidStateError(
          'acquireSync() would block for ever: another asynchronous flow of this process holds the lock, and cannot go ' +
            'on meanwhile; use await acquire(), or a timeout',
        );
      }
    }
    if (!this.#units.acquireSync(left)) return false;
    this.#restore({ context, depth: 1 });
    return true;
  }

  /** @throws InvalidStateError if this process does not own it */
  release(): void {
    this.#mustOwn('release()');
    const here = this.#here();
    if (--here.depth > 0) return;
    here.owner = undefined;
    this.#units.release(1);
  }

  /** Acquires, calls, and releases when the result has settled; inside, it may be acquired again. */
  override async run<R>(fn: () => R | PromiseLike<R>): Promise<R> {
    const outer = this.#contexts.getStore();
    const { depth, owner } = this.#here();
    const context = outer !== undefined && depth > 0 && owner === outer ? outer : { lock: this };
    return this.#contexts.run(context, async () => {
      await this.acquire();
      try {
        return await fn();
      } finally {
        this.release();
      }
    });
  }

  /** @internal */
  get [INSIDE](): LockInside {
    return {
      isHeld: () => this.#owns(),
      suspend: (): Held => {
        const here = this.#here();
        const held = { context: here.owner, depth: here.depth };
        here.depth = 0;
        here.owner = undefined;
        this.#units.release(1);
        return held;
      },
      resume: async (state) => {
        await this.#take(waitOf('acquire', undefined, this), state as Held);
      },
      resumeSync: (state) => {
        this.#units.acquireSync(Infinity);
        this.#restore(state as Held);
      },
    };
  }

  /** Held as it will be from the very moment on at which the unit is there: a Sync call may be in progress then. */
  async #take(wait: Wait, held: Held): Promise<boolean> {
    const here = this.#here();
    let isSettled = false;
    const settle = (acquired: boolean) => {
      if (isSettled) return;
      isSettled = true;
      here.acquiring--;
      if (acquired) this.#restore(held);
    };
    here.acquiring++;
    try {
      const acquired = await this.#units.acquire(wait, settle);
      settle(acquired);
      return acquired;
    } finally {
      settle(false);
    }
  }

  /** Waits for the asynchronous calls that came before; how long (ms) is left then. */
  #comeAfter(timeout: number): number {
    const end = performance.now() + timeout;
    const here = this.#here();
    backend.runUntil(() => here.depth > 0 || here.acquiring === 0, timeout);
    return Math.max(0, end - performance.now());
  }

  #restore({ context, depth }: Held): void {
    const here = this.#here();
    here.owner = context;
    here.depth = depth;
  }

  #owns(): boolean {
    const { depth, owner } = this.#here();
    return depth > 0 && (owner === undefined || owner === this.#contexts.getStore());
  }

  #mustOwn(call: string): void {
    if (this.#owns()) return;
    throw new InvalidStateError(
      `expected ${call} by the owner of the RLock, but ` +
        (this.#here().depth > 0
          ? 'another asynchronous flow of this process holds it'
          : 'this process does not hold it; only who acquired it may release it'),
    );
  }
}

function noOptions(): InvalidArgumentError {
  return new InvalidArgumentError(
    'expected no options of an RLock, which belongs to one program; a name for unrelated ones takes a Lock',
  );
}

registerHandleType('RLock', (share, details) => {
  const opened: unknown = OpenedUnits.open(share, 'lock', details);
  return new RLock(...([opened] as unknown as []));
});
