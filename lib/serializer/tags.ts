/** One byte before each value. The numbers are the wire format: never reuse one. */
export const Tag = {
  Undefined: 0,
  Null: 1,
  True: 2,
  False: 3,
  Int32: 4,
  Double: 5,
  BigInt: 6,
  Latin1: 7, // one byte per character
  Utf16: 8,
  Reference: 9, // to the n-th object of this message
  Array: 10, // length, then elements and runs of holes
  ArrayWithProperties: 11, // the same, then own properties
  Object: 12,
  Instance: 13, // of a registered class
  Date: 14,
  RegExp: 15,
  Map: 16,
  Set: 17,
  ArrayBuffer: 18,
  View: 19, // of an ArrayBuffer, which follows
  Buffer: 20,
  BoxedPrimitive: 21,
  Error: 22,
  Handle: 23,
  SmallInt: 24, // one byte, -128 … 127
  End: 25, // of a property list
  ShortLatin1: 26, // as Latin1, with a length of one byte
  Hole: 27, // so many elements of an array are absent
  ResizableBuffer: 28, // greatest length, then as ArrayBuffer
  BufferApart: 29, // a Buffer whose bytes do not lie here
} as const;

/** Where the class of an error is found. */
export const ErrorOrigin = {
  Known: 0, // built in, or of this library
  Registered: 1,
  Unknown: 2, // arrives as a RemoteError
} as const;

/** How a property of an error is defined; Tag.End ends the list. */
export const ErrorProperty = { Enumerable: 1, Hidden: 2 } as const;

/** Order is the wire format. */
export const VIEW_TYPES = [
  'Int8Array',
  'Uint8Array',
  'Uint8ClampedArray',
  'Int16Array',
  'Uint16Array',
  'Int32Array',
  'Uint32Array',
  'Float32Array',
  'Float64Array',
  'BigInt64Array',
  'BigUint64Array',
  'DataView',
  'Float16Array',
] as const;

/** Deeper values are refused: the recursion must end before the stack does, in the reader too, which needs half of it. */
export const MOST_DEPTH = 1_000;

/** Characters up to which a loop beats a native call. */
export const SHORT = 24;

/** Objects that travel as handles (queues, connections) have a method of this name. */
export const HANDLE: unique symbol = Symbol.for('forkful.handle') as never;

/** Takes the handles found in a message, in order; says which. */
export interface HandleSink {
  add(owner: object): number;
}

export interface HandleSource {
  take(index: number): unknown;
}
