import '../dispose';
import { InvalidArgumentError } from '../errors';
import { registerHandleType, type HandleDescription } from '../handles';
import { callback, integer, invalid, record, type SyncWaitOptions } from '../options';
import { HANDLE } from '../serializer';
import { Kind, MOST_BYTES, SharedBlock } from './block';
import {
  CONSTRUCTORS,
  ELEMENT_TYPES,
  element,
  elementType,
  type AnyTypedArray,
  type ElementOf,
  type ElementType,
  type TypedArrays,
} from './element-types';
import { Exclusion, lockOption, type LockLike, type SharedDataOptions } from './lock';

/** What a shared array has beside all that a typed array has. */
export interface SharedArrayMembers<T extends ElementType> {
  /** What the elements are. */
  readonly type: T;
  /** What guards it: the lock that was given, true for its own, false for none. */
  readonly lock: boolean | LockLike;
  /**
   * Gives what `fn` does with the array; no other update of it, by whatever process, comes in between. `fn` must be
   * synchronous, and may nest another update. Blocks the thread while another process updates.
   * @param fn is also told whether the one before was killed in its update, which may then be half done
   * @param options `timeout` in ms to wait for the others. @default Infinity
   * @throws TimeoutError if others were not done within `timeout`
   * @throws ClosedError
   * @throws InvalidStateError if made with `{ lock: false }`
   */
  update<R>(fn: (array: SharedArray<T>, ownerDied: boolean) => R, options?: SyncWaitOptions): R;
  /**
   * Gives up this process's use of the memory; others go on. All views of it here are detached: their length is 0, their
   * elements are undefined. Idempotent.
   */
  close(): void;
  /** Calls {@link close}. */
  [Symbol.dispose](): void;
}

/** A real typed array, over shared memory. */
export type SharedArray<T extends ElementType = ElementType> = TypedArrays[T] & SharedArrayMembers<T>;

/** Makes arrays in shared memory. */
export interface SharedArrayConstructor {
  /**
   * @param type 'int8', 'uint8', 'uint8clamped', … 'float64', 'bigint64', 'biguint64'
   * @param contents how many elements, which are 0, or the elements; they are converted as typed arrays do
   * @throws InvalidArgumentError for another type, or elements that are no numbers
   * @throws MemoryError if there is not enough memory
   * @throws UnsupportedError without the addon
   */
  new <T extends ElementType>(
    type: T,
    contents: number | Iterable<ElementOf<T>>,
    options?: SharedDataOptions,
  ): SharedArray<T>;
  /** As of every class. */
  readonly prototype: SharedArray;
}

const exclusions = new WeakMap<ArrayBufferLike, Exclusion>();

function exclusionOf(array: AnyTypedArray): Exclusion {
  const exclusion = exclusions.get(array.buffer);
  if (exclusion !== undefined) return exclusion;
  throw new InvalidArgumentError('expected a SharedArray as `this`, got something else');
}

function refusePromise(result: unknown): void {
  if (typeof (result as { then?: unknown } | null | undefined)?.then !== 'function') return;
  throw new InvalidArgumentError(
    'update(fn) expects a synchronous function, got one that gives a promise: the lock is free again before it settles',
  );
}

/** The members, on the prototype of each class below. */
const members = {
  get lock(): boolean | LockLike {
    return exclusionOf(this as never).lock;
  },
  update(
    this: SharedArray,
    fn: (array: SharedArray, ownerDied: boolean) => unknown,
    options?: SyncWaitOptions,
  ) {
    callback('update argument "fn"', fn);
    return exclusionOf(this).run(
      'update',
      (ownerDied) => {
        const result = fn(this, ownerDied);
        refusePromise(result);
        return result;
      },
      options,
    );
  },
  close(this: AnyTypedArray) {
    exclusionOf(this).block.close();
  },
  [Symbol.dispose](this: SharedArray) {
    this.close();
  },
  [HANDLE](this: SharedArray): HandleDescription {
    const { block, lock, parts } = exclusionOf(this);
    return {
      type: 'SharedArray',
      parts: [block, ...parts],
      details: { type: this.type, lock: lock === true },
    };
  },
};

/**
 * A class for each element type. What `map`, `slice` and `filter` make is ordinary memory, so it is an ordinary typed
 * array; so is a `subarray`, which the serializer knows by its buffer.
 */
function sharedClass(type: ElementType): new (buffer: ArrayBuffer) => SharedArray {
  const Base = CONSTRUCTORS[type] as unknown as typeof Float64Array;
  const Class = class extends Base {
    static get [Symbol.species]() {
      return Base;
    }
  };
  Object.defineProperty(Class, 'name', { value: `Shared${Base.name}` });
  Object.defineProperty(Class.prototype, 'type', { value: type });
  for (const key of Reflect.ownKeys(members)) {
    const descriptor = Object.getOwnPropertyDescriptor(members, key);
    Object.defineProperty(Class.prototype, key, { ...descriptor, enumerable: false });
  }
  return Class as never;
}

const CLASSES = new Map(ELEMENT_TYPES.map((type) => [type, sharedClass(type)]));

function over(block: SharedBlock, type: ElementType, lock: boolean | LockLike): SharedArray {
  const Class = CLASSES.get(type) as new (buffer: ArrayBuffer) => SharedArray;
  exclusions.set(block.buffer, new Exclusion('SharedArray', block, lock));
  return new Class(block.buffer);
}

function elementsOf(type: ElementType, contents: unknown): ArrayLike<number | bigint> {
  if (ArrayBuffer.isView(contents) && !(contents instanceof DataView)) {
    const numbers = contents as AnyTypedArray; // all of one kind: looking at the first one will do
    if (numbers.length > 0) element('SharedArray values[0]', type, numbers[0]);
    return numbers;
  }
  if (typeof (contents as Partial<Iterable<unknown>> | null | undefined)?.[Symbol.iterator] !== 'function') {
    throw invalid('SharedArray argument "contents"', 'a length or an iterable of numbers', contents);
  }
  return Array.from(contents as Iterable<unknown>, (value, i) =>
    element(`SharedArray values[${i}]`, type, value),
  );
}

function create(type: unknown, contents: unknown, options: unknown): SharedArray {
  const known = elementType('SharedArray argument "type"', type);
  const lock = lockOption('SharedArray option "lock"', record('SharedArray options', options, ['lock']).lock);
  const size = CONSTRUCTORS[known].BYTES_PER_ELEMENT;
  const most = Math.floor(MOST_BYTES / size);
  const values = typeof contents === 'number' ? undefined : elementsOf(known, contents);
  const length = integer('SharedArray length', values?.length ?? contents, 0, most);
  const block = SharedBlock.create(length * size, { what: 'a SharedArray', kind: Kind.Numbers });
  const array = over(block, known, lock);
  if (values !== undefined) (array as unknown as { set(values: unknown): void }).set(values);
  return array;
}

/**
 * A typed array over shared memory: `const pixels = new SharedArray('uint8', width * height)`. It is a real one (a
 * Float64Array for 'float64', and so on), so that all that takes typed arrays takes it, Atomics included. Passed to a
 * {@link Process} or a pool's initializer it, and each `subarray` of it, arrives as the same memory, not a copy.
 */
// eslint-disable-next-line @typescript-eslint/no-extraneous-class -- what it makes has the class of its element type
export const SharedArray = class SharedArray {
  static [Symbol.hasInstance](value: unknown): boolean {
    return [...CLASSES.values()].some((Class) => value instanceof Class);
  }

  constructor(type: unknown, contents: unknown, options?: unknown) {
    // eslint-disable-next-line @typescript-eslint/no-unsafe-class-instance-assignment -- as above
    return create(type, contents, options);
  }
} as unknown as SharedArrayConstructor;

registerHandleType('SharedArray', (_share, { type, lock }, [block, given]) =>
  over(block as SharedBlock, type as ElementType, (given as LockLike | undefined) ?? lock === true),
);
