import '../dispose';
import { backend } from '../backend';
import type { Share } from '../backend/backend';
import type { Semaphore as Units } from '../backend/synchronize';
import { InvalidStateError } from '../errors';
import { registerHandleType, type HandleDescription, type Transferable } from '../handles';
import { integer, timeoutOption, type SyncWaitOptions, type WaitOptions } from '../options';
import { HANDLE } from '../serializer';
import { waitOf } from './waits';

const MOST = 2 ** 31 - 1;

/** Units that were opened already; given to a constructor in place of a number. */
export class OpenedUnits {
  constructor(readonly units: Units) {}

  static open(share: Share): OpenedUnits {
    return new OpenedUnits(backend.openSemaphore(share));
  }
}

/**
 * A number of units that processes acquire and release; anybody may release. Those that a process holds when it ends are
 * released within 100 ms, but never more than there were in the beginning.
 */
export class Semaphore implements Transferable {
  readonly #units: Units;

  /**
   * @param value how many units there are @default 1
   * @throws InvalidArgumentError
   */
  constructor(value?: number);
  constructor(value: unknown = 1) {
    this.#units =
      value instanceof OpenedUnits
        ? value.units
        : backend.createSemaphore({
            initial: integer('Semaphore argument "value"', value, 0, MOST),
            max: Infinity,
          });
  }

  /**
   * Takes one unit, waiting for it, first come, first served. Whether it has: false after `timeout` ms.
   * @throws ClosedError if this handle is closed meanwhile
   */
  async acquire(options?: WaitOptions): Promise<boolean> {
    return this.#units.acquire(waitOf('acquire', options, this));
  }

  /** Like {@link acquire}, and blocks the thread meanwhile. */
  acquireSync(options?: SyncWaitOptions): boolean {
    return this.#units.acquireSync(timeoutOption('acquireSync', options));
  }

  /** Gives units back. @throws InvalidStateError if that is too many for a bounded one */
  release(units = 1): void {
    if (this.#units.release(integer('release argument "units"', units, 1, MOST))) return;
    throw new InvalidStateError(
      `expected release() of what was acquired, but ${units} more would exceed the initial value; release once for ` +
        'each acquire',
    );
  }

  /** How many units are free. */
  get value(): number {
    return this.#units.value();
  }

  /** Whether there is no unit. */
  locked(): boolean {
    return this.#units.value() === 0;
  }

  /** Whether the unit that was acquired last had been held by a process that ended: what it guards may be half done. */
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

  /** Idempotent. Calls that still wait reject. Units that this process holds stay so until it ends or releases them. */
  close(): void {
    this.#units.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  [HANDLE](): HandleDescription {
    return { type: 'Semaphore', share: this.#units.share(), details: {} };
  }
}

/** A {@link Semaphore} that cannot be released more often than it was acquired. */
export class BoundedSemaphore extends Semaphore {
  /** @param value how many units there are @default 1 */
  constructor(value?: number);
  constructor(value: unknown = 1) {
    if (value instanceof OpenedUnits) {
      super(value as never);
      return;
    }
    const initial = integer('BoundedSemaphore argument "value"', value, 0, MOST);
    super(new OpenedUnits(backend.createSemaphore({ initial, max: initial })) as never);
  }

  /** @internal */
  override [HANDLE](): HandleDescription {
    return { ...super[HANDLE](), type: 'BoundedSemaphore' };
  }
}

registerHandleType('Semaphore', (share) => new Semaphore(OpenedUnits.open(share) as never));
registerHandleType('BoundedSemaphore', (share) => new BoundedSemaphore(OpenedUnits.open(share) as never));
