import type { Semaphore as Units } from '../backend/synchronize';
import { InvalidStateError } from '../errors';
import { forkGeneration } from '../forked';
import { registerHandleType } from '../handles';
import { timeoutOption, type SyncWaitOptions, type WaitOptions } from '../options';
import { Acquirable } from './acquirable';
import { INSIDE, type ExclusiveLock, type LockInside } from './exclusive';
import { MUTEX, OpenedUnits, type LockOptions } from './opened';
import { waitOf } from './waits';

/**
 * A lock between processes. Anybody may release it. When its holder ends, however, it is free within 100 ms, and who
 * acquires it next can tell by {@link ownerDied}.
 */
export class Lock extends Acquirable implements ExclusiveLock {
  readonly #units: Units;
  /** Which process, by its generation, acquired it by this handle and has not released it by it. */
  #heldBy = -1;

  /** @throws InvalidArgumentError, ExistsError, UnsupportedError */
  constructor(options?: LockOptions) {
    const opened =
      options instanceof OpenedUnits ? options : OpenedUnits.create('Lock', 'lock', options, MUTEX);
    super('Lock', opened);
    this.#units = opened.units;
  }

  /**
   * Waits for the lock, first come, first served. Whether it has it: false after `timeout` ms.
   * @throws ClosedError if this handle is closed meanwhile
   */
  async acquire(options?: WaitOptions): Promise<boolean> {
    return this.#units.acquire(waitOf('acquire', options, this), (acquired) => {
      if (acquired) this.#heldBy = forkGeneration();
    });
  }

  /** Like {@link acquire}, and blocks the thread meanwhile. */
  acquireSync(options?: SyncWaitOptions): boolean {
    const acquired = this.#units.acquireSync(timeoutOption('acquireSync', options));
    if (acquired) this.#heldBy = forkGeneration();
    return acquired;
  }

  /** @throws InvalidStateError if nobody holds it */
  release(): void {
    this.#heldBy = -1;
    if (!this.#units.release(1))
      throw new InvalidStateError('expected a lock that is held, but nobody holds this one');
  }

  /** @internal */
  get [INSIDE](): LockInside {
    return {
      isHeld: () => this.locked() && this.#heldBy === forkGeneration(),
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

registerHandleType('Lock', (share, details) => new Lock(OpenedUnits.open(share, 'lock', details)));
