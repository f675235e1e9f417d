import '../dispose';
import type { Semaphore as Units } from '../backend/synchronize';
import type { HandleDescription, Transferable } from '../handles';
import type { SyncWaitOptions, WaitOptions } from '../options';
import { HANDLE } from '../serializer';
import type { OpenedUnits } from './opened';

/** What locks and semaphores have in common: a handle of units. */
export abstract class Acquirable implements Transferable {
  readonly #type: string;
  readonly #units: Units;
  readonly #name: string | undefined;

  /** @internal */
  constructor(type: string, { units, name }: OpenedUnits) {
    this.#type = type;
    this.#units = units;
    this.#name = name;
  }

  abstract acquire(options?: WaitOptions): Promise<boolean>;
  abstract acquireSync(options?: SyncWaitOptions): boolean;
  abstract release(): void;

  /** Whether whoever wants it now has to wait. */
  locked(): boolean {
    return this.#units.value() === 0;
  }

  /** Whether who held what was acquired last, before this process, ended with it: what it guards may be half done. */
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

  /** Idempotent. Calls that still wait reject. What this process holds it does until it ends or releases it. */
  close(): void {
    this.#units.close();
  }

  /** Calls {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  [HANDLE](): HandleDescription {
    const details = this.#name === undefined ? {} : { name: this.#name };
    return { type: this.#type, share: this.#units.share(), details };
  }
}
