import {
  Barrier as NativeBarrier,
  BoundedSemaphore as NativeBounded,
  Condition as NativeCondition,
  Event as NativeEvent,
  Lock as NativeLock,
  RLock as NativeRLock,
  Semaphore as NativeSemaphore,
} from '../../synchronize';
import type { Transferable } from '../../handles';
import { isGiven } from './keywords';
import { blocking, within, type Seconds } from './seconds';
import { travels, Wrapped } from './wrapped';

interface Acquirable extends Transferable {
  acquireSync(options: { readonly timeout: number }): boolean;
  release(): void;
}

abstract class Acquired<T extends Acquirable> extends Wrapped<T> {
  /** @param timeout seconds; without `block` it just tries */
  acquire(block = true, timeout?: Seconds): boolean {
    return this.native.acquireSync(blocking('acquire', block, timeout));
  }

  release(): void {
    this.native.release();
  }

  /** For `with_`. */
  __enter__(): boolean {
    return this.acquire();
  }

  __exit__(): void {
    this.release();
  }
}

/** Python's `multiprocessing.Lock`; freed when its holder is killed. */
export class Lock extends Acquired<NativeLock> {
  constructor() {
    super(new NativeLock());
  }

  locked(): boolean {
    return this.native.locked();
  }
}

/** Python's `multiprocessing.RLock`; freed when its holder is killed. */
export class RLock extends Acquired<NativeRLock> {
  constructor() {
    super(new NativeRLock());
  }

  locked(): boolean {
    return this.native.locked();
  }
}

/** Python's `multiprocessing.Semaphore`. */
export class Semaphore extends Acquired<NativeSemaphore> {
  constructor(value = 1, native: NativeSemaphore = new NativeSemaphore(value)) {
    super(native);
  }

  get_value(): number {
    return this.native.value;
  }
}

/** Python's `multiprocessing.BoundedSemaphore`. */
export class BoundedSemaphore extends Semaphore {
  constructor(value = 1) {
    super(value, new NativeBounded(value));
  }
}

/** Python's `multiprocessing.Condition`. */
export class Condition extends Acquired<NativeCondition> {
  constructor(lock: Lock | RLock = new RLock()) {
    super(new NativeCondition(lock.native));
  }

  /** Whether it was notified within `timeout` seconds. */
  wait(timeout?: Seconds): boolean {
    return this.native.waitSync(within('wait', timeout));
  }

  /** What the predicate returned last. */
  wait_for<R>(predicate: () => R, timeout?: Seconds): R {
    return this.native.waitForSync(predicate, within('wait_for', timeout));
  }

  notify(n = 1): void {
    this.native.notify(n);
  }

  notify_all(): void {
    this.native.notifyAll();
  }
}

/** Python's `multiprocessing.Event`. */
export class Event extends Wrapped<NativeEvent> {
  constructor() {
    super(new NativeEvent());
  }

  is_set(): boolean {
    return this.native.isSet();
  }

  set(): void {
    this.native.set();
  }

  clear(): void {
    this.native.clear();
  }

  /** Whether it is set within `timeout` seconds. */
  wait(timeout?: Seconds): boolean {
    return this.native.waitSync(within('wait', timeout));
  }
}

/** Python's `multiprocessing.Barrier`. */
export class Barrier extends Wrapped<NativeBarrier> {
  constructor(parties: number, action?: (() => unknown) | null, timeout?: Seconds) {
    const limit = within('Barrier', timeout);
    super(new NativeBarrier(parties, !isGiven(action) ? limit : { ...limit, action }));
  }

  get parties(): number {
    return this.native.parties;
  }

  get n_waiting(): number {
    return this.native.nWaiting;
  }

  get broken(): boolean {
    return this.native.broken;
  }

  /** The number of this party, from 0. @throws BrokenBarrierError */
  wait(timeout?: Seconds): number {
    return this.native.waitSync(!isGiven(timeout) ? {} : within('wait', timeout));
  }

  reset(): void {
    this.native.reset();
  }

  abort(): void {
    this.native.abort();
  }
}

travels(Lock);
travels(RLock);
travels(Semaphore);
travels(BoundedSemaphore);
travels(Condition);
travels(Event);
travels(Barrier);
