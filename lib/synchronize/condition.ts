import '../dispose';
import { backend } from '../backend';
import type { WaitLine } from '../backend/synchronize';
import { InvalidStateError } from '../errors';
import { registerHandleType, type HandleDescription, type Transferable } from '../handles';
import {
  callback,
  integer,
  invalid,
  timeoutOption,
  waitOptions,
  type SyncWaitOptions,
  type WaitOptions,
} from '../options';
import { HANDLE } from '../serializer';
import { INSIDE, type ExclusiveLock } from './exclusive';
import { Lock } from './lock';
import { RLock } from './rlock';
import { waitOf } from './waits';

class OpenedCondition {
  constructor(
    readonly lock: ExclusiveLock,
    readonly line: WaitLine,
  ) {}
}

/**
 * Processes wait here, without the lock, until another one that has changed something notifies them. A notification that
 * reached a process which ended before it noticed goes to the next one.
 */
export class Condition implements Transferable {
  readonly #lock: ExclusiveLock;
  readonly #line: WaitLine;

  /** @param lock what it waits without @default a new RLock */
  constructor(lock?: Lock | RLock);
  constructor(lock: unknown = new RLock()) {
    if (lock instanceof OpenedCondition) {
      this.#lock = lock.lock;
      this.#line = lock.line;
      return;
    }
    if (!(lock instanceof Lock || lock instanceof RLock)) {
      throw invalid('Condition argument "lock"', 'a Lock or an RLock', lock);
    }
    this.#lock = lock;
    this.#line = backend.createWaitLine();
  }

  /** Of the lock. */
  acquire(options?: WaitOptions): Promise<boolean> {
    return this.#lock.acquire(options);
  }

  /** Of the lock. */
  acquireSync(options?: SyncWaitOptions): boolean {
    return this.#lock.acquireSync(options);
  }

  /** Of the lock. */
  release(): void {
    this.#lock.release();
  }

  /** Of the lock. */
  run<R>(fn: () => R | PromiseLike<R>): Promise<R> {
    return this.#lock.run(fn);
  }

  /** Of the lock. */
  locked(): boolean {
    return this.#lock.locked();
  }

  /**
   * Gives up the lock, waits for a notification, and has the lock again, also after an error. Whether it was notified:
   * false after `timeout` ms, to which waiting for the lock adds.
   * @throws InvalidStateError without the lock
   */
  async wait(options?: WaitOptions): Promise<boolean> {
    const wait = waitOf('wait', options, this);
    this.#mustHold('wait()');
    const place = this.#line.enter();
    const held = this.#lock[INSIDE].suspend();
    try {
      return await place.wait(wait);
    } finally {
      try {
        await this.#lock[INSIDE].resume(held);
      } finally {
        place.leave();
      }
    }
  }

  /** Like {@link wait}, and blocks the thread meanwhile. */
  waitSync(options?: SyncWaitOptions): boolean {
    const timeout = timeoutOption('waitSync', options);
    this.#mustHold('waitSync()');
    const place = this.#line.enter();
    const held = this.#lock[INSIDE].suspend();
    try {
      return place.waitSync(timeout);
    } finally {
      try {
        this.#lock[INSIDE].resumeSync(held);
      } finally {
        place.leave();
      }
    }
  }

  /**
   * Waits until the predicate, or what it promises, is true, looking after each notification, with the lock. What it
   * returned last.
   */
  async waitFor<R>(predicate: () => R | PromiseLike<R>, options?: WaitOptions): Promise<R> {
    callback('waitFor argument "predicate"', predicate);
    const { timeout, signal } = waitOptions('waitFor', options);
    this.#mustHold('waitFor()');
    const end = performance.now() + timeout;
    for (;;) {
      const result = await predicate();
      const left = end - performance.now();
      if (Boolean(result) || left <= 0) return result;
      await this.wait({ timeout: left, ...(signal && { signal }) });
    }
  }

  /** Like {@link waitFor}, and blocks the thread meanwhile. */
  waitForSync<R>(predicate: () => R, options?: SyncWaitOptions): R {
    callback('waitForSync argument "predicate"', predicate);
    const end = performance.now() + timeoutOption('waitForSync', options);
    this.#mustHold('waitForSync()');
    for (;;) {
      const result = predicate();
      const left = end - performance.now();
      if (Boolean(result) || left <= 0) return result;
      this.waitSync({ timeout: left });
    }
  }

  /**
   * Lets `count` of those go on that wait, the first ones, when they can have the lock.
   * @throws InvalidStateError without the lock
   */
  notify(count = 1): void {
    integer('notify argument "count"', count, 1);
    this.#mustHold('notify()');
    this.#line.notify(count);
  }

  /** Lets all go on that wait. */
  notifyAll(): void {
    this.#mustHold('notifyAll()');
    this.#line.notify(2 ** 31 - 1);
  }

  /** Idempotent. Calls that still wait reject. The lock stays open. */
  close(): void {
    this.#line.close();
  }

  /** Calls {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  [HANDLE](): HandleDescription {
    return { type: 'Condition', share: this.#line.share(), parts: [this.#lock], details: {} };
  }

  #mustHold(call: string): void {
    if (this.#lock[INSIDE].isHeld()) return;
    throw new InvalidStateError(
      `expected ${call} by who holds the lock of the condition; acquire() it first, or use run()`,
    );
  }
}

registerHandleType('Condition', (share, _details, [lock]) => {
  const opened = new OpenedCondition(lock as ExclusiveLock, backend.openWaitLine(share));
  return new Condition(opened as never);
});
