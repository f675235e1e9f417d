import '../dispose';
import { registerHandleType, type HandleDescription, type Transferable } from '../handles';
import { invalid, type SyncWaitOptions, type WaitOptions } from '../options';
import { READINESS, type Readiness, type Waitable } from '../readiness';
import { HANDLE } from '../serializer';
import { OpenedQueue } from './opened';
import { Queue } from './queue';

/** A {@link Queue} without bounds and without frills. */
export class SimpleQueue<T = unknown> implements Transferable, Waitable {
  readonly #queue: Queue<T>;

  /** @param opened for the library itself; there are no options */
  constructor(opened?: unknown) {
    if (opened !== undefined && !(opened instanceof OpenedQueue)) {
      throw invalid('SimpleQueue options', 'left out (a Queue has options)', opened);
    }
    this.#queue = new Queue<T>(opened);
  }

  /**
   * Puts a value, which is serialized at the call. Never waits.
   * @throws FullError if growing would exceed the memory
   * @throws SerializationError if the value cannot be sent
   */
  put(value: T): Promise<void> {
    return this.#queue.put(value);
  }

  /** Like {@link put}. */
  putSync(value: T): void {
    this.#queue.putSync(value);
  }

  /**
   * Takes the oldest message, waiting for it.
   * @throws EmptyError if none came within `timeout` ms; nothing was taken then
   */
  get(options?: WaitOptions): Promise<T> {
    return this.#queue.get(options);
  }

  /** Like {@link get}, and blocks the thread meanwhile. */
  getSync(options?: SyncWaitOptions): T {
    return this.#queue.getSync(options);
  }

  /** Exact at the moment of the call. */
  empty(): boolean {
    return this.#queue.empty();
  }

  /** Gives up this process's use of the queue; others go on. Idempotent. Calls that still wait reject. */
  close(): void {
    this.#queue.close();
  }

  /** Calls {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  [HANDLE](): HandleDescription {
    return { ...this.#queue[HANDLE](), type: 'SimpleQueue' };
  }

  /** @internal */
  [READINESS](): Readiness {
    return this.#queue[READINESS]();
  }
}

registerHandleType('SimpleQueue', (share, details) => new SimpleQueue(OpenedQueue.open(share, details)));
