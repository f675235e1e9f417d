import { isMainThread } from 'node:worker_threads';
import { Deadlines } from '../../deadlines';
import { whenForked } from '../../forked';
import { addon, scratch, type NativeReactor } from './addon';

/** Off the main thread a blocked call returns to JavaScript this often (ms): worker.terminate() must work. */
const SLICE = isMainThread ? Infinity : 100;

/** Something that is received as it comes, and may be waited for awake. */
export interface Expected {
  /** Its ring's number. */
  readonly number: number;
  /** Receives what is there, and leaves it to {@link rearm} to ask for a wake-up. */
  takeIn(): void;
  rearm(): void;
}

/**
 * The descriptors that this thread's waits depend on, and what to do when one has news. Handlers are the library's
 * own: they may run inside a blocking call and only ever settle promises or move messages.
 */
class Reactor {
  #native: NativeReactor | undefined;
  readonly #handlers = new Map<number, { readonly fd: number; readonly act: () => void }>();
  #nextToken = 1;
  #holds = 0;
  #progress = 0;
  #idle: (() => void)[] = [];
  #expected: Expected | undefined;
  /** Whoever sleeps must {@link Expected.rearm} it first. */
  #unarmed: Expected | undefined;
  /** What is to be done a little later, in blocking calls too. */
  readonly deadlines = new Deadlines();

  constructor() {
    whenForked(() => {
      this.#partFromParent();
    });
  }

  /** Registers for edges. Do it before the first arming, or the first wake-up may be lost. Returns a token. */
  watch(fd: number, handler: () => void): number {
    const token = this.#nextToken++;
    this.#handlers.set(token, { fd, act: handler });
    this.#open().add(fd, token);
    return token;
  }

  /** Before the descriptor is closed: epoll follows the open file, which other processes share. */
  unwatch(fd: number, token: number): void {
    if (this.#handlers.delete(token)) this.#native?.remove(fd);
  }

  /** Keeps the event loop alive once more, or once less. */
  hold(delta: 1 | -1): void {
    const before = this.#holds;
    this.#holds += delta;
    if ((before === 0) !== (this.#holds === 0)) this.#open().hold(this.#holds > 0);
    if (this.#holds === 0) for (const resolve of this.#idle.splice(0)) resolve();
  }

  /** Resolves when nothing keeps the event loop alive. */
  async idle(): Promise<void> {
    while (this.#holds > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  needProgress(delta: 1 | -1): void {
    this.#progress += delta;
  }

  /** Whether a blocking call must keep this reactor running, rather than sleep on its own object alone. */
  get mustRun(): boolean {
    return this.#progress > 0;
  }

  /**
   * Something comes soon: where that has paid lately, the event loop spins for it before it sleeps. One at a time; of
   * several the last.
   */
  expect(expected: Expected): void {
    this.#expected = expected;
    this.#open().expect(expected.number);
  }

  /** Before its ring is closed. */
  forget(expected: Expected): void {
    if (this.#expected === expected) this.#expected = undefined;
    if (this.#unarmed === expected) this.#unarmed = undefined;
  }

  /** Blocks until there is news, at most `timeout` ms, and handles it. */
  run(timeout: number): void {
    this.#rearm();
    this.#dispatch(this.#open().wait(Math.min(timeout, SLICE, this.deadlines.next)));
    this.deadlines.fire();
  }

  runUntil(done: () => boolean, timeout: number): boolean {
    const end = performance.now() + timeout;
    for (;;) {
      if (done()) return true;
      const left = end - performance.now();
      if (left <= 0) {
        this.run(0);
        return done();
      }
      this.run(left);
    }
  }

  #open(): NativeReactor {
    return (this.#native ??= new addon.Reactor(
      (count) => {
        this.#dispatch(count);
      },
      (came) => {
        this.#onExpected(came);
      },
    ));
  }

  #onExpected(came: boolean): void {
    const expected = this.#expected;
    if (!came || this.#unarmed !== expected) this.#rearm();
    if (!came || expected === undefined) return;
    this.#unarmed = expected;
    expected.takeIn();
  }

  #rearm(): void {
    const unarmed = this.#unarmed;
    this.#unarmed = undefined;
    unarmed?.rearm();
  }

  /** The native side has a new, empty set. Modules part with what is the parent's; what stays is watched by this process. */
  #partFromParent(): void {
    this.#holds = 0;
    this.#progress = 0;
    this.#idle = [];
    this.#expected = undefined;
    this.#unarmed = undefined;
    this.deadlines.renew();
    if (this.#native === undefined) return;
    this.#native.hold(false);
    for (const [token, { fd }] of this.#handlers) this.#native.add(fd, token);
  }

  #dispatch(count: number): void {
    if (count === 1) {
      this.#handlers.get(scratch[0] ?? 0)?.act();
      return;
    }
    // Handlers use the scratch array themselves.
    for (const token of scratch.slice(0, count)) this.#handlers.get(token)?.act();
  }
}

export const reactor = new Reactor();

/** The longest single sleep of a blocking call on this thread, in ms. */
export function slice(timeout: number): number {
  return Math.min(timeout, SLICE);
}
