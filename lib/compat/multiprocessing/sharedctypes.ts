import { invalid } from '../../options';
import { SharedArray } from '../../shared/array';
import type { ElementOf, ElementType } from '../../shared/element-types';
import { Value as NativeValue } from '../../shared/value';
import { RLock as NativeRLock } from '../../synchronize';
import { HANDLE } from '../../serializer';
import { registerHandleType, type HandleDescription, type Transferable } from '../../handles';
import { RLock } from './synchronize';
import { travels, wrap, Wrapped } from './wrapped';

/** Python's type codes, as C has them on 64-bit Linux: 'l', 'L', 'q' and 'Q' are bigints. */
const TYPES = {
  b: 'int8',
  B: 'uint8',
  h: 'int16',
  H: 'uint16',
  i: 'int32',
  I: 'uint32',
  l: 'bigint64',
  L: 'biguint64',
  q: 'bigint64',
  Q: 'biguint64',
  f: 'float32',
  d: 'float64',
} as const;

type Codes = typeof TYPES;
/** One of Python's type codes, or a name of `forkful`'s: 'int8' … 'float64'. */
export type TypeCode = keyof Codes | ElementType;
type TypeOf<C extends TypeCode> = C extends keyof Codes ? Codes[C] : C & ElementType;
type Element<C extends TypeCode> = ElementOf<TypeOf<C>>;

function typeOf<C extends TypeCode>(code: C): TypeOf<C> {
  const names = Object.values(TYPES) as string[];
  const type = Object.hasOwn(TYPES, code) ? TYPES[code as keyof Codes] : code;
  if (names.includes(type) || type === 'uint8clamped') return type as TypeOf<C>;
  throw invalid('type code', `one of ${Object.keys(TYPES).join(', ')}`, code);
}

/** Numbers are given where Python has but one kind of integer. */
function elementOf(type: ElementType, value: number | bigint): number | bigint {
  return type.startsWith('big') ? BigInt(value) : Number(value);
}

/** Its lock, wherever it is now. */
function lockOf({ lock }: { readonly lock: unknown }): RLock {
  if (lock instanceof NativeRLock) return wrap(RLock, lock);
  throw invalid('get_lock()', 'called on a value that was made with a lock', lock);
}

/** Python's `multiprocessing.Value`. */
export class Value<C extends TypeCode = TypeCode> extends Wrapped<NativeValue<TypeOf<C>>> {
  /** @param lock of its own, or one that guards several things; false: none */
  constructor(typecode: C, value: number | bigint = 0, lock: boolean | RLock = true) {
    const type = typeOf(typecode);
    super(new NativeValue(type, elementOf(type, value), { lock: nativeLock(lock) }));
  }

  get value(): Element<C> {
    return this.native.value;
  }

  set value(value: Element<C>) {
    this.native.value = value;
  }

  get_lock(): RLock {
    return lockOf(this.native);
  }
}

function nativeLock(lock: boolean | RLock): NativeRLock | false {
  if (lock === true) return new NativeRLock();
  return lock === false ? false : lock.native;
}

/** Python's `multiprocessing.Array`: a typed array in shared memory, and its lock. */
export type SharedArrayWithLock<C extends TypeCode = TypeCode> = SharedArray<TypeOf<C>> & {
  get_lock(): RLock;
  /** The array itself. */
  get_obj(): SharedArray<TypeOf<C>>;
};

const ARRAY = 'multiprocessing.Array';

function lockable<C extends TypeCode>(array: SharedArray<TypeOf<C>>): SharedArrayWithLock<C> {
  const hidden = (value: unknown) => ({ value, configurable: true });
  // The array as it travels without these members.
  const plain = {
    [HANDLE]: () => (Object.getPrototypeOf(array) as Transferable)[HANDLE].call(array),
  };
  return Object.defineProperties(array, {
    get_lock: hidden(() => lockOf(array)),
    get_obj: hidden(() => array),
    [HANDLE]: hidden((): HandleDescription => ({ type: ARRAY, parts: [plain], details: {} })),
  }) as SharedArrayWithLock<C>;
}

function make<C extends TypeCode>(
  typecode: C,
  size_or_initializer: number | Iterable<number | bigint>,
  lock: boolean | RLock = true,
): SharedArrayWithLock<C> {
  const type = typeOf(typecode);
  const contents =
    typeof size_or_initializer === 'number'
      ? size_or_initializer
      : Array.from(size_or_initializer, (value) => elementOf(type, value) as ElementOf<TypeOf<C>>);
  return lockable<C>(new SharedArray(type, contents, { lock: nativeLock(lock) }));
}

/** @param size_or_initializer how many elements, which are 0, or the elements */
export type SharedArrayWithLockConstructor = new <C extends TypeCode>(
  typecode: C,
  size_or_initializer: number | Iterable<number | bigint>,
  lock?: boolean | RLock,
) => SharedArrayWithLock<C>;

// What a constructor returns is what `new` gives.
export const SharedArrayOf = function (...args: Parameters<typeof make>) {
  return make(...args);
} as unknown as SharedArrayWithLockConstructor;

/** Without a lock. */
export function RawValue<C extends TypeCode>(typecode: C, value: number | bigint = 0): Value<C> {
  return new Value(typecode, value, false);
}

/** Without a lock. */
export function RawArray<C extends TypeCode>(
  typecode: C,
  size_or_initializer: number | Iterable<number | bigint>,
): SharedArrayWithLock<C> {
  return make(typecode, size_or_initializer, false);
}

travels(Value);
registerHandleType(ARRAY, (_share, _details, [array]) => lockable(array as SharedArray<never>));
