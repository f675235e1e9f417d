import '../dispose';
import { InvalidArgumentError, TimeoutError } from '../errors';
import { registerHandleType, type HandleDescription, type Transferable } from '../handles';
import { integer, invalid, record, timeoutOption, type SyncWaitOptions } from '../options';
import { HANDLE } from '../serializer';
import { Kind, MOST_BYTES, SharedBlock } from './block';
import { decodeItem, encodeItem, type ShareableItem } from './list-items';
import { ListStore } from './list-store';
import { sharedName } from '../shared-name';

export type { ShareableItem };

/** Whether other programs find the list. */
export interface ShareableListOptions {
  /** For other programs of this user: a list of this name is made of `values`, or without values attached to. */
  readonly name?: string;
}

/** Not a place to infer T from: a list made of 1 and 2 may hold 3 as well. */
type Given<T> = [T][T extends unknown ? 0 : never];

/** What a list of another process brings with it; not for users. */
class Opened {
  constructor(readonly block: SharedBlock) {}
}

const REQUEST = { what: 'a ShareableList', kind: Kind.List };

/**
 * A list of numbers, bigints, booleans, strings, Buffers and nulls in shared memory. Its length is fixed; each item can
 * be replaced by any other that needs no more room than the first one had, rounded up to a multiple of 8 bytes. Items are
 * never seen half-written, whoever is killed while writing.
 */
export class ShareableList<T extends ShareableItem = ShareableItem> implements Transferable, Iterable<T> {
  readonly #block: SharedBlock;
  readonly #store: ListStore;

  /**
   * @param values the items; without them, `name` says whose list is wanted
   * @throws InvalidArgumentError for other values, bigints beyond 64 bits, or a name that cannot be
   * @throws MemoryError if there is not enough memory
   * @throws ExistsError if there are values and the name is in use
   * @throws NotFoundError if there are none and nobody has a list of this name
   * @throws UnsupportedError without the addon
   */
  constructor(values?: Iterable<Given<T>> | null, options?: ShareableListOptions) {
    if (options instanceof Opened) {
      this.#block = options.block;
      this.#store = new ListStore(this.#block.buffer);
      return;
    }
    const given = record('ShareableList options', options, ['name']);
    const name = given.name === undefined ? undefined : sharedName('ShareableList option "name"', given.name);
    if (values === undefined || values === null) {
      this.#block = find(name);
      this.#store = new ListStore(this.#block.buffer);
      return;
    }
    if (typeof (values as Partial<Iterable<unknown>>)[Symbol.iterator] !== 'function') {
      throw invalid('ShareableList argument "values"', 'an iterable', values);
    }
    const items = Array.from(values, (value, i) => encodeItem(`ShareableList values[${i}]`, value));
    const bytes = integer('the size of a ShareableList', ListStore.bytesFor(items), 0, MOST_BYTES);
    this.#block = SharedBlock.create(bytes, name === undefined ? REQUEST : { ...REQUEST, name });
    this.#store = ListStore.create(this.#block.buffer, items);
  }

  /** How many items; it never changes. */
  get length(): number {
    return this.#store.length;
  }

  /** undefined for a list without one. */
  get name(): string | undefined {
    return this.#block.name;
  }

  /**
   * The item at `index`; from the end if that is negative.
   * @throws InvalidArgumentError if there is none
   */
  get(index: number): T {
    return this.#read(this.#place(index));
  }

  /** Like {@link get}, and undefined if there is none. */
  at(index: number): T | undefined {
    integer('at argument "index"', index, -Number.MAX_SAFE_INTEGER);
    const place = index < 0 ? index + this.length : index;
    return place >= 0 && place < this.length ? this.#read(place) : undefined;
  }

  /**
   * Replaces the item at `index`; from the end if that is negative.
   * @param options `timeout` in ms to wait for other writers. @default Infinity
   * @throws InvalidArgumentError if there is none, or the value needs more room than the first one had
   * @throws TimeoutError if others were not done within `timeout`
   */
  set(index: number, value: T, options?: SyncWaitOptions): void {
    const memory = this.#block.use('ShareableList');
    const place = this.#place(index);
    const item = encodeItem('set argument "value"', value);
    const capacity = this.#store.capacity(place);
    if (item.bytes.length > capacity) {
      throw new InvalidArgumentError(
        `item ${place} of this ShareableList has room for ${capacity} bytes, got a ${typeof value === 'string' ? 'string' : 'value'} ` +
          `of ${item.bytes.length}; make the list with the longest value that will come, or with padding`,
      );
    }
    const limit = timeoutOption('set', options);
    const write = () => {
      this.#store.write(place, item);
    };
    if (!memory.run(write, limit)) {
      throw new TimeoutError(
        `expected to write to the ShareableList within ${limit} ms, but others were writing`,
      );
    }
  }

  /** How many items are this value; Buffers are compared by their bytes. */
  count(value: T): number {
    let count = 0;
    for (const item of this) if (same(item, value)) count++;
    return count;
  }

  /** Where the first item is that is this value; -1 if there is none. Buffers are compared by their bytes. */
  indexOf(value: T): number {
    for (let i = 0; i < this.length; i++) if (same(this.get(i), value)) return i;
    return -1;
  }

  /** Reads item after item; others may write in between. */
  *[Symbol.iterator](): Generator<T, undefined> {
    for (let i = 0; i < this.length; i++) yield this.get(i);
    return undefined;
  }

  /** Takes the name away, if it still is this list's; those who have the list keep it. Nothing happens without one. */
  unlink(): void {
    this.#block.unlink();
  }

  /** Gives up this process's use of it; others go on. Idempotent. */
  close(): void {
    this.#block.close();
  }

  /** Calls {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  [HANDLE](): HandleDescription {
    return { type: 'ShareableList', parts: [this.#block], details: {} };
  }

  #place(index: number): number {
    const { length } = this;
    const place = integer('ShareableList index', index, -length, length - 1);
    return place < 0 ? place + length : place;
  }

  #read(place: number): T {
    const memory = this.#block.use('ShareableList');
    return this.#store.read(place, decodeItem, (act) => memory.run(act, Infinity)) as T;
  }
}

function find(name: string | undefined): SharedBlock {
  if (name === undefined) {
    throw new InvalidArgumentError(
      'ShareableList argument "values" is missing: give the items, or the name of a list that exists',
    );
  }
  const block = SharedBlock.find(name, REQUEST);
  if (block.kind === Kind.List) return block;
  block.close();
  throw new InvalidArgumentError(`the shared memory ${JSON.stringify(name)} is no ShareableList`);
}

function same(a: ShareableItem, b: ShareableItem): boolean {
  return a instanceof Uint8Array && b instanceof Uint8Array ? Buffer.compare(a, b) === 0 : a === b;
}

registerHandleType(
  'ShareableList',
  (_share, _details, [block]) =>
    new ShareableList(undefined, new Opened(block as SharedBlock) as ShareableListOptions),
);
