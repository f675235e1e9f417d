import { InvalidArgumentError } from '../errors';
import { oneOf } from '../options';

/** The typed array of each element type. */
export interface TypedArrays {
  /** 1 byte each. */
  readonly int8: Int8Array;
  /** 1 byte each. */
  readonly uint8: Uint8Array;
  /** 1 byte each. */
  readonly uint8clamped: Uint8ClampedArray;
  /** 2 bytes each. */
  readonly int16: Int16Array;
  /** 2 bytes each. */
  readonly uint16: Uint16Array;
  /** 4 bytes each. */
  readonly int32: Int32Array;
  /** 4 bytes each. */
  readonly uint32: Uint32Array;
  /** 4 bytes each. */
  readonly float32: Float32Array;
  /** 8 bytes each. */
  readonly float64: Float64Array;
  /** 8 bytes each. */
  readonly bigint64: BigInt64Array;
  /** 8 bytes each. */
  readonly biguint64: BigUint64Array;
}

/** What shared numbers can be. */
export type ElementType = keyof TypedArrays;

/** `bigint` for the 64-bit integers, `number` for all others. */
export type ElementOf<T extends ElementType> = TypedArrays[T][number];

export type AnyTypedArray = TypedArrays[ElementType];

type Constructor = (new (buffer: ArrayBufferLike, byteOffset?: number, length?: number) => AnyTypedArray) & {
  readonly BYTES_PER_ELEMENT: number;
};

export const CONSTRUCTORS: Readonly<Record<ElementType, Constructor>> = {
  int8: Int8Array,
  uint8: Uint8Array,
  uint8clamped: Uint8ClampedArray,
  int16: Int16Array,
  uint16: Uint16Array,
  int32: Int32Array,
  uint32: Uint32Array,
  float32: Float32Array,
  float64: Float64Array,
  bigint64: BigInt64Array,
  biguint64: BigUint64Array,
};

export const ELEMENT_TYPES = Object.keys(CONSTRUCTORS) as readonly ElementType[];

export function elementType(name: string, value: unknown): ElementType {
  return oneOf(name, value, ELEMENT_TYPES);
}

/** Checks what is to be stored: typed arrays themselves turn strings, dates and null into numbers. */
export function element(name: string, type: ElementType, value: unknown): number | bigint {
  const wanted = type === 'bigint64' || type === 'biguint64' ? 'bigint' : 'number';
  if (typeof value === wanted) return value as number | bigint;
  const mend = wanted === 'bigint' ? ', such as 5n' : '';
  throw new InvalidArgumentError(
    `${name} must be a ${wanted}${mend}, as its type is '${type}', got ${describe(value)}`,
  );
}

function describe(value: unknown): string {
  if (value === null) return 'null';
  if (typeof (value as { then?: unknown } | undefined)?.then === 'function') {
    return 'a promise: what runs under the lock must be synchronous';
  }
  return typeof value;
}
