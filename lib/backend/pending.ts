import { whenForked } from '../forked';
import type { Wait } from './backend';
import { Limited, limit, settle } from './limits';

/** One asynchronous operation that waits its turn. */
export interface Operation {
  /** Tries once more; whether it is settled. */
  attempt(): boolean;
  reject(error: unknown): void;
}

class Entry extends Limited {
  constructor(
    readonly operation: Operation,
    /** Kept alive: collecting it would close the handle. */
    readonly owner: object,
    readonly handle: object,
  ) {
    super();
  }
}

/** Those with operations. A forked child forgets these: they are its parent's, and never settle here. */
const active = new Set<{ forget(): void }>();

whenForked(() => {
  for (const pending of active) pending.forget();
  active.clear();
});

/** Operations in the order of the calls. Holds the event loop while there are any. */
export class Pending {
  #entries: Entry[] = [];
  readonly #holdLoop: (delta: 1 | -1) => void;
  #held = true;
  /** Called when an operation has been given up. */
  readonly #onDrop: () => void;

  constructor(hold: (delta: 1 | -1) => void, onDrop: () => void) {
    this.#holdLoop = hold;
    this.#onDrop = onDrop;
  }

  get size(): number {
    return this.#entries.length;
  }

  /** Returns what calls it off. */
  add(operation: Operation, wait: Wait, handle: object): () => void {
    const entry = new Entry(operation, wait.owner, handle);
    limit(entry, wait, (error) => {
      if (!this.#settle(entry)) return;
      operation.reject(error);
      this.#onDrop();
    });
    if (this.#entries.push(entry) === 1) {
      active.add(this);
      if (this.#held) this.#holdLoop(1);
    }
    return () => {
      if (this.#settle(entry)) this.#onDrop();
    };
  }

  /** Whether its operations, now and later, keep the event loop alive. */
  hold(held: boolean): void {
    if (held === this.#held) return;
    this.#held = held;
    if (this.#entries.length > 0) this.#holdLoop(held ? 1 : -1);
  }

  /** Moves on, in order, as far as possible. */
  pump(): void {
    for (let entry = this.#entries[0]; entry !== undefined; entry = this.#entries[0]) {
      if (!entry.operation.attempt()) return;
      this.#settle(entry);
    }
  }

  /** Tries all: none of them stands before another. */
  pumpAll(): void {
    for (const entry of this.#entries.slice()) {
      if (!entry.settled && entry.operation.attempt()) this.#settle(entry);
    }
  }

  /** Fails those of one handle, or all. */
  rejectAll(error: () => Error, handle?: object): void {
    for (const entry of this.#entries.slice()) {
      if ((handle === undefined || entry.handle === handle) && this.#settle(entry))
        entry.operation.reject(error());
    }
    this.#onDrop();
  }

  #settle(entry: Entry): boolean {
    if (entry.settled) return false;
    settle(entry);
    if (this.#entries[0] === entry) this.#entries.shift();
    else this.#entries.splice(this.#entries.indexOf(entry), 1);
    if (this.#entries.length === 0) {
      active.delete(this);
      if (this.#held) this.#holdLoop(-1);
    }
    return true;
  }

  /** In a forked child, whose reactor counts anew. */
  forget(): void {
    for (const entry of this.#entries) settle(entry);
    this.#entries = [];
  }
}
