import type { Account } from '../backend/backend';
import { InvalidStateError } from '../errors';
import { registerHandleType } from '../handles';
import { timeoutOption, waitOptions, type SyncWaitOptions, type WaitOptions } from '../options';
import { OpenedQueue } from './opened';
import type { QueueOptions } from './options';
import { INSIDE, Queue, type QueueInside } from './queue';

/** Stands for the end of a wait, which is no error here. */
const TIMED_OUT = new Error();

/**
 * A {@link Queue} that knows what has become of its messages: who got one says so with {@link taskDone}, and
 * {@link join} waits until all are done.
 */
export class JoinableQueue<T = unknown> extends Queue<T> {
  /** @param options as for a {@link Queue} */
  constructor(options: number | QueueOptions = {}) {
    super(OpenedQueue.from(options, true));
  }

  /**
   * One message that was got is done. After a {@link ConsumerLostError} it counts for what the lost process left undone.
   * @throws InvalidStateError if all that was put is done already
   */
  taskDone(): void {
    if (this.#parts().account.done()) return;
    throw new InvalidStateError('taskDone() was called more often than messages were put into the queue');
  }

  /**
   * Waits until every message that was put, by whomever, is done; first for this process's own puts that wait for room.
   * Whether that is so: false after `timeout` ms.
   * @throws ConsumerLostError if a process has ended without being done with what it got
   */
  async join(options?: WaitOptions): Promise<boolean> {
    const { outbox } = this.#parts();
    const { timeout, signal } = waitOptions('join', options);
    signal?.throwIfAborted();
    const end = performance.now() + timeout;
    if (!(await outbox.flush({ timeout, signal }))) return false;
    signal?.throwIfAborted();
    const { account } = this.#parts(); // it may have been closed meanwhile
    try {
      await account.join({
        timeout: Math.max(0, end - performance.now()),
        signal,
        timedOut: () => TIMED_OUT,
        owner: this,
      });
      return true;
    } catch (error) {
      if (error === TIMED_OUT) return false;
      throw error;
    }
  }

  /** Like {@link join}, and blocks the thread meanwhile. */
  joinSync(options?: SyncWaitOptions): boolean {
    const { account, outbox } = this.#parts();
    const timeout = timeoutOption('joinSync', options);
    const end = performance.now() + timeout;
    if (!outbox.flushSync(timeout)) return false;
    return account.joinSync(Math.max(0, end - performance.now()));
  }

  #parts(): { readonly account: Account; readonly outbox: QueueInside<T>['outbox'] } {
    const { channel, outbox } = this[INSIDE]();
    if (channel.account === undefined) {
      throw new InvalidStateError(
        'expected a queue that keeps account of its messages, but this one does not',
      );
    }
    return { account: channel.account, outbox };
  }
}

registerHandleType('JoinableQueue', (share, details) => new JoinableQueue(OpenedQueue.open(share, details)));
