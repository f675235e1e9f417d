import '../dispose';
import { backend } from '../backend';
import type { Semaphore as Units } from '../backend/synchronize';
import { InvalidArgumentError, InvalidStateError } from '../errors';
import { registerHandleType, type HandleDescription } from '../handles';
import { timeoutOption, type SyncWaitOptions, type WaitOptions } from '../options';
import { HANDLE } from '../serializer';
import { INSIDE, type ExclusiveLock, type LockInside } from './exclusive';
import { OpenedUnits } from './semaphore';
import { waitOf } from './waits';

/**
 * A lock between processes. Anybody may release it. When its holder ends, however, it is free within 100 ms, and who
 * acquires it next can tell by {@link ownerDied}.
 */
export class Lock implements ExclusiveLock {
  readonly #units: Units;
  /** Whether this handle acquired it and nobody released it by this handle. */
  #isHeld = false;

  /** @param opened for the library itself; there are no options */
  constructor(opened?: unknown) {
    this.#units = unitsOf('Lock', opened);
  }

  /**
   * Waits for the lock, first come, first served. Whether it has it: false after `timeout` ms.
   * @throws ClosedError if this handle is closed meanwhile
   */
  async acquire(options?: WaitOptions): Promise<boolean> {
    return this.#units.acquire(waitOf('acquire', options, this), (acquired) => {
      if (acquired) this.#isHeld = true;
    });
  }

  /** Like {@link acquire}, and blocks the thread meanwhile. */
  acquireSync(options?: SyncWaitOptions): boolean {
    const acquired = this.#units.acquireSync(timeoutOption('acquireSync', options));
    if (acquired) this.#isHeld = true;
    return acquired;
  }

  /** @throws InvalidStateError if nobody holds it */
  release(): void {
    this.#isHeld = false;
    if (!this.#units.release(1))
      throw new InvalidStateError('expected a lock that is held, but nobody holds this one');
  }

  /** Whether anybody holds it. */
  locked(): boolean {
    return this.#units.value() === 0;
  }

  /** Whether the one who held it before this process ended with it: what it guards may be half done. */
  get ownerDied(): boolean {
    return this.#units.ownerDied;
  }

  /** Acquires, calls, and releases when the result has settled. */
  async run<R>(fn: () => R | PromiseLike<R>): Promise<R> {
    await this.acquire();
    try {
      return await fn();
    } finally {
      this.release();
    }
  }

  /** Idempotent. Calls that still wait reject. If this process holds the lock, it does so until it ends. */
  close(): void {
    this.#units.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  [HANDLE](): HandleDescription {
    return { type: 'Lock', share: this.#units.share(), details: {} };
  }

  /** @internal */
  get [INSIDE](): LockInside {
    return {
      isHeld: () => this.locked() && this.#isHeld,
      suspend: () => {
        this.release();
      },
      resume: async () => {
        await this.acquire();
      },
      resumeSync: () => {
        this.acquireSync();
      },
    };
  }
}

/** @throws InvalidArgumentError for options, which there are none of */
export function unitsOf(what: string, opened: unknown): Units {
  if (opened instanceof OpenedUnits) return opened.units;
  if (opened === undefined) return backend.createSemaphore({ initial: 1, max: 1 });
  throw new InvalidArgumentError(`${what} takes no options yet: names for unrelated processes are not there`);
}

registerHandleType('Lock', (share) => new Lock(OpenedUnits.open(share)));
