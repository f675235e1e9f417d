import type { SyncWaitOptions, WaitOptions } from '../options';
import type { Transferable } from '../handles';

/** For {@link Condition}, which gives up the lock while it waits. */
export const INSIDE: unique symbol = Symbol('inside');

export interface LockInside {
  /** Whether this process holds it, as far as who asks is concerned. */
  isHeld(): boolean;
  /** Gives it up however often it was acquired; what that was is for {@link resume}. */
  suspend(): unknown;
  resume(state: unknown): Promise<void>;
  resumeSync(state: unknown): void;
}

/** A lock that a {@link Condition} can be made of. */
export interface ExclusiveLock extends Transferable {
  acquire(options?: WaitOptions): Promise<boolean>;
  acquireSync(options?: SyncWaitOptions): boolean;
  release(): void;
  run<R>(fn: () => R | PromiseLike<R>): Promise<R>;
  locked(): boolean;
  close(): void;
  readonly [INSIDE]: LockInside;
}
