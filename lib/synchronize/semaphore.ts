import { MOST_UNITS, type Semaphore as Units } from '../backend/synchronize';
import { InvalidStateError } from '../errors';
import { registerHandleType, type HandleDescription } from '../handles';
import { integer, timeoutOption, type SyncWaitOptions, type WaitOptions } from '../options';
import { HANDLE } from '../serializer';
import { Acquirable } from './acquirable';
import { OpenedUnits, type LockOptions } from './opened';
import { waitOf } from './waits';

function create(
  className: string,
  value: unknown,
  options: LockOptions | undefined,
  most: (initial: number) => number,
): OpenedUnits {
  const initial = value === undefined ? 1 : integer(`${className} argument "value"`, value, 0, MOST_UNITS);
  const bounds = { initial, max: most(initial) };
  return OpenedUnits.create(className, 'semaphore', options, bounds, value !== undefined);
}

/**
 * A number of units that processes acquire and release; anybody may release. Those that a process holds when it ends are
 * released within 100 ms, but never more than there were in the beginning.
 */
export class Semaphore extends Acquirable {
  readonly #units: Units;

  /**
   * @param value how many units there are; of a name that is in use undefined takes those that there are @default 1
   * @throws InvalidArgumentError, ExistsError, UnsupportedError
   */
  constructor(value?: number, options?: LockOptions);
  constructor(value: unknown, options?: LockOptions) {
    const opened = value instanceof OpenedUnits ? value : create('Semaphore', value, options, () => Infinity);
    super('Semaphore', opened);
    this.#units = opened.units;
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

  /** Gives units back. @throws InvalidStateError if that is too many for a bounded one, or beyond 2^31 - 1 */
  release(units = 1): void {
    if (this.#units.release(integer('release argument "units"', units, 1, MOST_UNITS))) return;
    throw new InvalidStateError(
      `expected release() of what was acquired, but ${units} more would exceed the initial value, or ${MOST_UNITS}; ` +
        'release once for each acquire',
    );
  }

  /** How many units are free. */
  get value(): number {
    return this.#units.value();
  }
}

/** A {@link Semaphore} that cannot be released more often than it was acquired. */
export class BoundedSemaphore extends Semaphore {
  /** As of a {@link Semaphore}. */
  constructor(value?: number, options?: LockOptions);
  constructor(value: unknown, options?: LockOptions) {
    const opened =
      value instanceof OpenedUnits ? value : create('BoundedSemaphore', value, options, (initial) => initial);
    super(opened as never);
  }

  /** @internal */
  override [HANDLE](): HandleDescription {
    return { ...super[HANDLE](), type: 'BoundedSemaphore' };
  }
}

registerHandleType('Semaphore', (share, details) => {
  return new Semaphore(OpenedUnits.open(share, 'semaphore', details) as never);
});
registerHandleType('BoundedSemaphore', (share, details) => {
  return new BoundedSemaphore(OpenedUnits.open(share, 'semaphore', details) as never);
});
