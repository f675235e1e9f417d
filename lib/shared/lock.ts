import { InvalidStateError, SerializationError, TimeoutError } from '../errors';
import type { Transferable } from '../handles';
import { invalid, timeoutOption, type SyncWaitOptions } from '../options';
import { HANDLE } from '../serializer';
import type { SharedBlock } from './block';

/** A lock of this library, or what behaves like one. */
export interface LockLike {
  /** Calls `fn` while it is held, and gives what it gives. */
  run<R>(fn: () => R | PromiseLike<R>): Promise<R>;
  /** Blocks the thread until it is held; whether it is: false after `timeout` ms. */
  acquireSync(options?: SyncWaitOptions): boolean;
  /** Gives it up. */
  release(): unknown;
}

/** How updates of shared data keep out of each other's way. */
export interface SharedDataOptions {
  /**
   * What `update` holds: true for a lock of its own, which is freed by the death of its holder; a Lock or RLock, to guard
   * several things by one; false for none, and then there is no `update`.
   * @default true
   */
  readonly lock?: boolean | LockLike;
}

function isLock(value: unknown): value is LockLike {
  const candidate = value as Partial<LockLike> | null;
  return (
    typeof candidate === 'object' &&
    typeof candidate?.run === 'function' &&
    typeof candidate.acquireSync === 'function' &&
    typeof candidate.release === 'function'
  );
}

export function lockOption(name: string, value: unknown): boolean | LockLike {
  if (value === undefined) return true;
  if (typeof value === 'boolean' || isLock(value)) return value;
  throw invalid(name, 'a boolean or a lock (with run, acquireSync and release)', value);
}

/** How the users of some shared data keep out of each other's way. */
export class Exclusion {
  readonly #what: string;
  readonly block: SharedBlock;
  readonly lock: boolean | LockLike;

  constructor(what: string, block: SharedBlock, lock: boolean | LockLike) {
    this.#what = what;
    this.block = block;
    this.lock = lock;
  }

  /** The lock that was given, to travel along. */
  get parts(): readonly Transferable[] {
    if (typeof this.lock === 'boolean') return [];
    if (typeof (this.lock as Partial<Transferable>)[HANDLE] === 'function') return [this.lock as never];
    throw new SerializationError(
      `the lock of this ${this.#what} cannot be sent; expected one of this library's, whose handles can`,
    );
  }

  /**
   * Calls `act` with the lock held. No other process that does so too is in between.
   * @throws TimeoutError if the lock was not to be had within `timeout`
   */
  run<R>(call: string, act: (ownerDied: boolean) => R, options: SyncWaitOptions | undefined): R {
    const memory = this.block.use(this.#what);
    const timeout = timeoutOption(call, options);
    const { lock } = this;
    if (lock === false) {
      throw new InvalidStateError(
        `${call}() needs a lock, and this ${this.#what} was made with { lock: false }; leave that out, or use Atomics`,
      );
    }
    if (lock === true) {
      let outcome: { readonly value: R } | undefined;
      memory.run((ownerDied) => {
        outcome = { value: act(ownerDied) };
      }, timeout);
      if (outcome !== undefined) return outcome.value;
    } else if (lock.acquireSync(timeout === Infinity ? undefined : { timeout })) {
      try {
        return act((lock as { ownerDied?: unknown }).ownerDied === true);
      } finally {
        lock.release();
      }
    }
    throw new TimeoutError(
      `expected the lock of the ${this.#what} within ${timeout} ms, but another process holds it; wait longer, or see ` +
        'whether its holder is stopped',
    );
  }
}
