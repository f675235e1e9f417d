import type { Deadline } from '../../deadlines';
import { whenForked } from '../../forked';
import type { Wait } from '../backend';
import { Limited, limit, settle } from '../limits';
import { reactor } from './reactor';

export type Attempt = 'done' | 'blocked' | 'busy';

/** One asynchronous operation that waits its turn. */
export interface Operation {
  /** Tries once more, and settles if that worked or failed for good. */
  attempt(): Attempt;
  reject(error: unknown): void;
}

class Entry<O> extends Limited {
  constructor(
    readonly operation: O,
    readonly owner: object,
  ) {
    super();
  }
}

/** Those with operations. A forked child forgets these: they are its parent's, and never settle here. */
const active = new Set<{ forget(): void }>();

whenForked(() => {
  for (const waiting of active) waiting.forget();
  active.clear();
});

/**
 * The operations of this thread that wait for one condition of one ring, in the order of the calls. Holds the event
 * loop while there are any, unless told otherwise.
 */
export class Waiting<O extends Operation> {
  #entries: Entry<O>[] = [];
  #first = 0;
  #size = 0;
  #retryDelay = 1;
  #retry: Deadline | undefined;
  #held = true;
  readonly #arm: (first: O) => Attempt;
  readonly #progress: boolean;

  /**
   * @param arm asks to be woken for the first operation: 'done' if there is no need to wait after all
   * @param progress whether these operations must go on during a Sync call on another object
   */
  constructor(arm: (first: O) => Attempt, progress: boolean) {
    this.#arm = arm;
    this.#progress = progress;
  }

  get size(): number {
    return this.#size;
  }

  /** Whether the event loop is held while operations wait. */
  hold(held: boolean): void {
    if (held === this.#held) return;
    this.#held = held;
    if (this.#size > 0) reactor.hold(held ? 1 : -1);
  }

  /**
   * @param isTried whether it has just been tried in vain: then it is armed first
   * @returns what calls it off
   */
  add(operation: O, wait: Wait, isTried = false): () => void {
    const entry = new Entry(operation, wait.owner);
    limit(entry, wait, (error) => {
      this.#drop(entry, error);
    });
    this.#entries.push(entry);
    if (this.#size++ === 0) {
      active.add(this);
      if (this.#held) reactor.hold(1);
      if (this.#progress) reactor.needProgress(1);
      this.#advance(isTried);
    }
    return () => {
      if (entry.settled) return;
      this.#settle(entry);
      this.pump();
    };
  }

  /** Moves on as far as possible. Called when the condition may have become true. */
  pump(): void {
    this.#advance(false);
  }

  #advance(isTried: boolean): void {
    while (this.#first < this.#entries.length) {
      const entry = this.#entries[this.#first];
      if (entry === undefined || entry.settled) {
        this.#first++;
        continue;
      }
      let outcome = isTried ? 'blocked' : entry.operation.attempt();
      isTried = false;
      if (outcome === 'done') {
        this.#settle(entry);
        continue;
      }
      if (outcome === 'blocked') outcome = this.#arm(entry.operation);
      if (outcome === 'blocked') return;
      if (outcome === 'busy') {
        this.#retryLater();
        return;
      }
    }
    this.#entries = [];
    this.#first = 0;
  }

  /** Fails whatever still waits. */
  rejectAll(error: () => Error): void {
    for (const entry of this.#entries.slice(this.#first)) if (!entry.settled) this.#drop(entry, error());
  }

  /** In a forked child, whose reactor counts anew. */
  forget(): void {
    for (const entry of this.#entries) settle(entry);
    this.#entries = [];
    this.#first = 0;
    this.#size = 0;
  }

  // The loop must not wait for a lock whose holder is stopped: look again soon, and ever less often.
  #retryLater(): void {
    if (this.#retry !== undefined) return;
    this.#retry = reactor.deadlines.set(this.#retryDelay, () => {
      this.#retry = undefined;
      this.pump();
    });
    this.#retryDelay = Math.min(50, this.#retryDelay * 2);
  }

  #settle(entry: Entry<O>): void {
    settle(entry);
    this.#retryDelay = 1;
    if (--this.#size === 0) {
      active.delete(this);
      if (this.#held) reactor.hold(-1);
      if (this.#progress) reactor.needProgress(-1);
      reactor.deadlines.clear(this.#retry);
      this.#retry = undefined;
    }
  }

  #drop(entry: Entry<O>, error: unknown): void {
    if (entry.settled) return;
    this.#settle(entry);
    entry.operation.reject(error);
    this.pump();
  }
}
