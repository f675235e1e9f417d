import { toUSVString } from 'node:util';
import { isUint8Array } from 'node:util/types';
import { InvalidArgumentError } from '../errors';

/** What a list in shared memory can hold. */
export type ShareableItem = number | bigint | boolean | string | Uint8Array | null;

/** What an item's bytes are. The numbers are what lies in shared memory: never reuse one. */
export const ItemType = {
  Null: 0,
  False: 1,
  True: 2,
  Number: 3, // a double
  BigInt: 4, // 64 bits
  Utf8: 5,
  Utf16: 6, // text with halves of surrogate pairs, which UTF-8 cannot say
  Bytes: 7,
} as const;

export interface EncodedItem {
  readonly type: number;
  readonly bytes: Uint8Array;
}

const NONE = new Uint8Array(0);

/** @param name what errors call it, e.g. `ShareableList values[3]` */
export function encodeItem(name: string, value: unknown): EncodedItem {
  switch (typeof value) {
    case 'boolean':
      return { type: value ? ItemType.True : ItemType.False, bytes: NONE };
    case 'number': {
      const bytes = Buffer.allocUnsafe(8);
      bytes.writeDoubleLE(value);
      return { type: ItemType.Number, bytes };
    }
    case 'bigint': {
      if (BigInt.asIntN(64, value) !== value) {
        throw new InvalidArgumentError(
          `${name} must fit 64 bits (-2^63 … 2^63 - 1), got ${value.toString().slice(0, 40)}n; store it as a string`,
        );
      }
      const bytes = Buffer.allocUnsafe(8);
      bytes.writeBigInt64LE(value);
      return { type: ItemType.BigInt, bytes };
    }
    case 'string':
      return toUSVString(value) === value
        ? { type: ItemType.Utf8, bytes: Buffer.from(value, 'utf8') }
        : { type: ItemType.Utf16, bytes: Buffer.from(value, 'utf16le') };
    default:
      if (value === null) return { type: ItemType.Null, bytes: NONE };
      if (isUint8Array(value)) return { type: ItemType.Bytes, bytes: value };
      throw new InvalidArgumentError(
        `${name} must be a number, bigint, boolean, string, Buffer or null, got ${describe(value)}`,
      );
  }
}

function describe(value: unknown): string {
  if (typeof value !== 'object') return typeof value;
  return Array.isArray(value) ? 'an array' : Object.prototype.toString.call(value).slice(8, -1);
}

/** The bytes are copied. undefined for a type, or a number of bytes, that cannot be. */
export function decodeItem(type: number, bytes: Buffer): ShareableItem | undefined {
  switch (type) {
    case ItemType.Null:
      return null;
    case ItemType.False:
      return false;
    case ItemType.True:
      return true;
    case ItemType.Number:
      return bytes.length === 8 ? bytes.readDoubleLE() : undefined;
    case ItemType.BigInt:
      return bytes.length === 8 ? bytes.readBigInt64LE() : undefined;
    case ItemType.Utf8:
      return bytes.toString('utf8');
    case ItemType.Utf16:
      return bytes.toString('utf16le');
    case ItemType.Bytes:
      return Buffer.from(bytes);
    default:
      return undefined;
  }
}
