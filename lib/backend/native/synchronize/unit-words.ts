/** Units that a process has acquired: so many at most are counted here. */
const HELD = 2 ** 22 - 1;
/** Free units that it keeps, to acquire them again without asking anybody. */
const SPARE = 2 ** 30 - 2 ** 22;
const ONE_SPARE = 2 ** 22;
/** Somebody counts, or waits: what the process has here is changed under the lock of the memory alone. */
const STOPPED = 2 ** 30;

/** Rows that are in use at the same time are near each other; their words lie on cache lines of their own. */
const LINES = 64;

/**
 * What each process has of a semaphore, in a word for each that Atomics change. Acquiring and releasing is then one change
 * that nobody else sees, and whoever is killed leaves it made or not. While it is not STOPPED its process, of whatever thread,
 * moves units between held and spare; everything else, and whatever others do to it, needs the lock of the memory.
 */
export class UnitWords {
  readonly #words: Int32Array;
  readonly #perLine: number;

  constructor(words: Int32Array) {
    this.#words = words;
    this.#perLine = Math.max(1, Math.floor(words.length / LINES));
  }

  /** Where the word of a row is. */
  at(row: number): number {
    return (row % LINES) * this.#perLine + Math.floor(row / LINES);
  }

  /** Holds one of those that are spare at this place. */
  acquire(at: number): boolean {
    const word = Atomics.load(this.#words, at);
    if ((word & STOPPED) !== 0 || (word & SPARE) === 0 || (word & HELD) === HELD) return false;
    return this.#swap(at, word, word - ONE_SPARE + 1);
  }

  /** One that is held here is spare. */
  release(at: number): boolean {
    const word = Atomics.load(this.#words, at);
    if ((word & STOPPED) !== 0 || (word & HELD) === 0 || (word & SPARE) === SPARE) return false;
    return this.#swap(at, word, word + ONE_SPARE - 1);
  }

  hasSpare(row: number): boolean {
    return (Atomics.load(this.#words, this.at(row)) & SPARE) !== 0;
  }

  // Under the lock of the memory.

  /** Of a process that comes new to its row. */
  reset(row: number): void {
    Atomics.store(this.#words, this.at(row), STOPPED);
  }

  /** From now on it is as it is read. */
  stop(row: number): void {
    const at = this.at(row);
    for (;;) {
      const word = Atomics.load(this.#words, at);
      if ((word & STOPPED) !== 0 || this.#swap(at, word, word | STOPPED)) return;
    }
  }

  // Stopped, it is nobody else's.

  goOn(row: number): void {
    const at = this.at(row);
    Atomics.store(this.#words, at, Atomics.load(this.#words, at) & ~STOPPED);
  }

  held(row: number): number {
    return Atomics.load(this.#words, this.at(row)) & HELD;
  }

  spare(row: number): number {
    return (Atomics.load(this.#words, this.at(row)) & SPARE) / ONE_SPARE;
  }

  /** Holds one more that was in nobody's word; false: it counts no further. */
  hold(row: number): boolean {
    if (this.held(row) === HELD) return false;
    this.#add(row, 1);
    return true;
  }

  /** So many of those that are held are in nobody's word any more. */
  giveBack(row: number, units: number): void {
    this.#add(row, -units);
  }

  /** One of those that are spare is in nobody's word any more. */
  takeSpare(row: number): void {
    this.#add(row, -ONE_SPARE);
  }

  #add(row: number, change: number): void {
    const at = this.at(row);
    Atomics.store(this.#words, at, Atomics.load(this.#words, at) + change);
  }

  #swap(at: number, from: number, to: number): boolean {
    return Atomics.compareExchange(this.#words, at, from, to) === from;
  }
}
