import { types } from 'node:util';
import { invalid } from '../options';

function getter<R>(name: 'buffer' | 'byteOffset' | 'length'): (view: Uint8Array) => R {
  const property = Object.getOwnPropertyDescriptor(Object.getPrototypeOf(Uint8Array.prototype), name);
  return (view) => property?.get?.call(view) as R;
}
const bufferOf = getter<ArrayBuffer>('buffer');
const offsetOf = getter<number>('byteOffset');
const lengthOf = getter<number>('length');

/** The bytes as they are, whatever a subclass says of them. */
export function bytesOf(name: string, value: unknown): Uint8Array {
  if (!types.isUint8Array(value)) throw invalid(name, 'a Uint8Array or Buffer', value);
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype === Buffer.prototype || prototype === Uint8Array.prototype) return value;
  return Buffer.from(bufferOf(value), offsetOf(value), lengthOf(value));
}
