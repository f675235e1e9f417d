import { CorruptError } from '../errors';
import type { EncodedItem } from './list-items';

/**
 * The items of a list in shared memory:
 *
 *     version, count | for each slot: state, capacity, offset, 0 | two cells for each slot: length, 0, bytes
 *
 * all of them 32-bit words, bytes padded to 8, offsets in units of 8 bytes. Writers hold the memory's lock, write the cell
 * that is not in use and then change the state by one store. So a writer that is killed has written nothing, and readers
 * need no lock: what they read is valid if the state is the same afterwards.
 */

const VERSION = 1;
const HEADER_WORDS = 2;
const SLOT_WORDS = 4;
const CELL_HEADER_BYTES = 8;
const UNIT = 8;

// A slot's state: which cell is in use, the type of what is in it, and a count, so that no state comes again soon.
const CELL_MASK = 1;
const TYPE_SHIFT = 1;
const TYPE_MASK = 0xf;
const COUNT_SHIFT = 5;

/** Reads without a lock that were disturbed, after which one waits for the writers. */
const MOST_TRIES = 100;

/** As in CPython: multiples of 8, and always a little to spare. */
function capacityFor(length: number): number {
  return UNIT * (Math.floor(length / UNIT) + 1);
}

const cellBytes = (capacity: number) => CELL_HEADER_BYTES + capacity;
const tableBytes = (count: number) => UNIT * Math.ceil((4 * (HEADER_WORDS + SLOT_WORDS * count)) / UNIT);

interface Slot {
  readonly capacity: number;
  /** Of the first cell; the second one follows. */
  readonly offset: number;
}

export class ListStore {
  readonly #words: Int32Array;
  readonly #bytes: Buffer;
  /** As they were when this was opened, and checked: nobody can change them here. */
  readonly #slots: readonly Slot[];

  /** How much memory such items need. */
  static bytesFor(items: readonly EncodedItem[]): number {
    let total = tableBytes(items.length);
    for (const { bytes } of items) total += 2 * cellBytes(capacityFor(bytes.length));
    return total;
  }

  /** Writes the items into memory that nobody else knows yet. */
  static create(buffer: ArrayBuffer, items: readonly EncodedItem[]): ListStore {
    const words = new Int32Array(buffer, 0, tableBytes(items.length) / 4);
    words[0] = VERSION;
    words[1] = items.length;
    let offset = tableBytes(items.length);
    items.forEach(({ bytes }, i) => {
      const capacity = capacityFor(bytes.length);
      words.set([0, capacity, offset / UNIT, 0], HEADER_WORDS + SLOT_WORDS * i);
      offset += 2 * cellBytes(capacity);
    });
    const store = new ListStore(buffer);
    items.forEach((item, i) => {
      store.write(i, item);
    });
    return store;
  }

  /** @throws CorruptError if it does not hold a list */
  constructor(buffer: ArrayBuffer) {
    this.#bytes = Buffer.from(buffer);
    this.#words = new Int32Array(buffer, 0, Math.floor(buffer.byteLength / 4));
    const count = (this.#words[1] ?? 0) >>> 0;
    if (this.#words[0] !== VERSION || tableBytes(count) > buffer.byteLength) throw corrupt();
    this.#slots = Array.from({ length: count }, (_, i) => {
      const at = HEADER_WORDS + SLOT_WORDS * i;
      const capacity = (this.#words[at + 1] ?? 0) >>> 0;
      const offset = ((this.#words[at + 2] ?? 0) >>> 0) * UNIT;
      const end = offset + 2 * cellBytes(capacity);
      if (capacity % UNIT !== 0 || offset < tableBytes(count) || end > buffer.byteLength) throw corrupt();
      return { capacity, offset };
    });
  }

  get length(): number {
    return this.#slots.length;
  }

  /** The most bytes that an item in this slot may have. */
  capacity(index: number): number {
    return this.#slot(index).capacity;
  }

  /**
   * @param decode may be called with bytes that are being overwritten; then its result is not used
   * @param whileNobodyWrites calls what it is given when no writer is at work
   */
  read<T>(
    index: number,
    decode: (type: number, bytes: Buffer) => T | undefined,
    whileNobodyWrites: (act: () => void) => void,
  ): T {
    let found: T | undefined;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const state = Atomics.load(this.#words, this.#state(index));
      found = this.#decode(index, state, decode);
      // Not a load: that could be done before the reads above are.
      if (Atomics.add(this.#words, this.#state(index), 0) === state) {
        if (found === undefined) throw corrupt();
        return found;
      }
    }
    whileNobodyWrites(() => {
      found = this.#decode(index, Atomics.load(this.#words, this.#state(index)), decode);
    });
    if (found === undefined) throw corrupt();
    return found;
  }

  /** With the memory's lock held. The bytes fit. */
  write(index: number, { type, bytes }: EncodedItem): void {
    const { offset, capacity } = this.#slot(index);
    const state = Atomics.load(this.#words, this.#state(index));
    const cell = (state & CELL_MASK) ^ 1;
    const at = offset + cell * cellBytes(capacity);
    this.#words[at / 4] = bytes.length;
    this.#bytes.set(bytes, at + CELL_HEADER_BYTES);
    const count = (state >>> COUNT_SHIFT) + 1;
    Atomics.store(this.#words, this.#state(index), (count << COUNT_SHIFT) | (type << TYPE_SHIFT) | cell);
  }

  #decode<T>(index: number, state: number, decode: (type: number, bytes: Buffer) => T): T | undefined {
    const { offset, capacity } = this.#slot(index);
    const at = offset + (state & CELL_MASK) * cellBytes(capacity);
    const length = (this.#words[at / 4] ?? 0) >>> 0;
    if (length > capacity) return undefined;
    const start = at + CELL_HEADER_BYTES;
    return decode((state >>> TYPE_SHIFT) & TYPE_MASK, this.#bytes.subarray(start, start + length));
  }

  #state(index: number): number {
    return HEADER_WORDS + SLOT_WORDS * index;
  }

  #slot(index: number): Slot {
    const slot = this.#slots[index];
    if (slot === undefined) throw corrupt();
    return slot;
  }
}

function corrupt(): CorruptError {
  return new CorruptError(
    'expected a ShareableList in this shared memory, found something else; did something else write to it?',
  );
}
