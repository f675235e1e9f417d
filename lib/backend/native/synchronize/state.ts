import { InvalidStateError, UnsupportedError } from '../../../errors';
import type { Memory } from '../../backend';

/** How long (ms) to wait for a process that was stopped within one of the short sections below. */
const PATIENCE = 10_000;
/** The event loop waits no longer than that (ms), and looks again later. */
const LOOP_PATIENCE = 1;

/** Words of the header: how often it has changed, and so which copy is valid, and, on a cache line of its own, one that is no part of the copies. */
const HEADER_WORDS = 32;
/** The word that is changed by itself, with Atomics. */
export const LONE_WORD = 16;

/** A table of rows of so many words, behind the words that are not in it. */
export interface Layout {
  /** Of its memory: tells it from other layouts, and from other versions of this one. */
  readonly kind: number;
  readonly words: number;
  readonly rows: number;
  readonly rowWords: number;
  /** Whether each row has a word, too, that is no part of the copies: see {@link SharedState.lone}. */
  readonly lone?: boolean;
}

const INT32 = Int32Array.BYTES_PER_ELEMENT;
/** So that what different processes change all the time lies apart. */
const CACHE_LINE_WORDS = 16;
const sizeOfCopy = ({ words, rows, rowWords }: Layout) => 1 + words + rows * rowWords;
const firstLone = (layout: Layout) =>
  Math.ceil((HEADER_WORDS + 2 * sizeOfCopy(layout)) / CACHE_LINE_WORDS) * CACHE_LINE_WORDS;

/**
 * Small state in shared memory that changes as a whole or not at all: there are two copies, a change is made in the one
 * that is not valid, and one store makes that the valid one. So whoever is killed at whatever instruction leaves either
 * the old state or the new one; the memory's own lock, which outlives its holder, keeps the others out meanwhile.
 */
export class SharedState {
  readonly #memory: Memory;
  /** All of it; see {@link LONE_WORD}. */
  readonly words: Int32Array;
  readonly #layout: Layout;
  readonly #copies: readonly [Int32Array, Int32Array];

  static bytes(layout: Layout): number {
    const lone = layout.lone === true ? layout.rows : 0;
    return INT32 * (firstLone(layout) + lone);
  }

  constructor(memory: Memory, layout: Layout) {
    this.#memory = memory;
    this.words = new Int32Array(memory.buffer);
    this.#layout = layout;
    const size = sizeOfCopy(layout);
    const copy = (start: number) => this.words.subarray(start, start + size);
    this.#copies = [copy(HEADER_WORDS), copy(HEADER_WORDS + size)];
  }

  /** Words behind the copies, one for each row, that are changed one by one, with Atomics. */
  get lone(): Int32Array {
    return this.words.subarray(firstLone(this.#layout), firstLone(this.#layout) + this.#layout.rows);
  }

  /** Looks or changes, at once and alone. `change` says whether anything is to be kept. */
  transact<R>(change: (state: Draft) => R): R {
    const [done, result] = this.#attempt(change, PATIENCE);
    if (done) return result as R;
    throw new InvalidStateError(
      'expected the lock within 10 s, but a process was stopped in the midst of using it; let it go on, or end it',
    );
  }

  /** Like {@link transact}, but does not wait: undefined if somebody else is at it. */
  tryTransact<R>(change: (state: Draft) => R): R | undefined {
    return this.#attempt(change, LOOP_PATIENCE)[1];
  }

  #attempt<R>(change: (state: Draft) => R, patience: number): [done: boolean, result: R | undefined] {
    let result: R | undefined;
    const done = this.#memory.run(() => {
      const version = this.version;
      const valid = version & 1;
      const [first, second] = this.#copies;
      const draft =
        valid === 0 ? new Draft(first, second, this.#layout) : new Draft(second, first, this.#layout);
      result = change(draft);
      // Whoever is killed before this store has changed nothing.
      if (draft.isChanged) Atomics.store(this.words, 0, (version + 1) | 0);
      draft.settle();
    }, patience);
    return [done, result];
  }

  /** Another one after each change. */
  get version(): number {
    return Atomics.load(this.words, 0);
  }

  /** The first word of a row, without waiting for anybody; undefined if somebody changes the state meanwhile. */
  peek(row: number): number | undefined {
    const { version } = this;
    const copy = (version & 1) === 0 ? this.#copies[0] : this.#copies[1];
    const found = Atomics.load(copy, 1 + this.#layout.words + row * this.#layout.rowWords);
    return this.version === version ? found : undefined;
  }
}

/** The state as it is, or as it is about to be. Its first word is the number of rows that were ever in use. */
export class Draft {
  #now: Int32Array;
  readonly #next: Int32Array;
  readonly #layout: Layout;
  isChanged = false;
  #afterwards: (() => void) | undefined;

  constructor(now: Int32Array, next: Int32Array, layout: Layout) {
    this.#now = now;
    this.#next = next;
    this.#layout = layout;
  }

  get(word: number): number {
    return this.#now[1 + word] ?? 0;
  }

  set(word: number, value: number): void {
    this.#edit()[1 + word] = value;
  }

  field(row: number, word: number): number {
    return this.#now[this.#at(row) + word] ?? 0;
  }

  setField(row: number, word: number, value: number): void {
    this.#edit()[this.#at(row) + word] = value;
  }

  /** The rows whose first word is not 0. */
  *rows(): Generator<number> {
    for (let row = 0; row < (this.#now[0] ?? 0); row++) if (this.field(row, 0) !== 0) yield row;
  }

  /** Whether no row is free. */
  get isFull(): boolean {
    return this.#freeRow() >= this.#layout.rows;
  }

  /** A row that is free. @throws UnsupportedError if there is none */
  addRow(...fields: readonly number[]): number {
    const { used } = this;
    const row = this.#freeRow();
    if (row >= this.#layout.rows) {
      throw new UnsupportedError(
        `expected at most ${this.#layout.rows} processes and waiting calls at one lock; use several locks`,
      );
    }
    const edited = this.#edit();
    if (row === used) edited[0] = used + 1;
    edited.set(fields, this.#at(row));
    return row;
  }

  /** What is done once all of it is valid, and still alone. Whoever is killed before has not done it. */
  afterwards(act: () => void): void {
    this.#afterwards = act;
  }

  settle(): void {
    this.#afterwards?.();
  }

  /** How many rows were ever in use. */
  get used(): number {
    return this.#now[0] ?? 0;
  }

  #freeRow(): number {
    const { used } = this;
    let row = 0;
    while (row < used && this.field(row, 0) !== 0) row++;
    return row;
  }

  #at(row: number): number {
    return 1 + this.#layout.words + row * this.#layout.rowWords;
  }

  #edit(): Int32Array {
    if (!this.isChanged) {
      this.#next.set(this.#now.subarray(0, this.#at(this.#now[0] ?? 0)));
      this.isChanged = true;
      this.#now = this.#next;
    }
    return this.#next;
  }
}
