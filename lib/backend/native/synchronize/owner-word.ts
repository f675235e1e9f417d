import { LONE_WORD } from './state';

/** The row, plus 1, of who has it; 0: nobody. */
const OWNER = 0xffff;
/** Who had it before has ended with it. */
export const DIED = 0x1_0000;
/** Somebody may wait: nobody takes it who has not waited, and whoever releases it hands it on. */
export const QUEUED = 0x2_0000;

export const ownerIn = (word: number) => word & OWNER;

/**
 * Who has a lock, in one word that Atomics change. Without a flag it is changed by anybody: from 0 to an owner that takes
 * it, and from an owner to 0. All else is done by who holds the lock of the memory.
 */
export class OwnerWord {
  readonly #words: Int32Array;

  constructor(words: Int32Array) {
    this.#words = words;
  }

  load(): number {
    return Atomics.load(this.#words, LONE_WORD);
  }

  /** Whether it was `from`, and is `to` now. */
  swap(from: number, to: number): boolean {
    return Atomics.compareExchange(this.#words, LONE_WORD, from, to) === from;
  }
}
