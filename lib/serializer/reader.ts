import { RemoteError, SerializationError } from '../errors';
import { errorPrototype, registeredPrototype } from './classes';
import { MOST_DEPTH, Tag, VIEW_TYPES, type HandleSource } from './tags';

const SHORT = 24;
const double = new Float64Array(1);
const doubleBytes = new Uint8Array(double.buffer);

function broken(what: string): SerializationError {
  return new SerializationError(
    `expected a message of this library, got bytes with ${what}; is the other side of the same version?`,
  );
}

/**
 * Turns bytes into the values that a {@link Writer} wrote. Every byte is checked: whatever comes, the worst is a
 * SerializationError. The values share no memory with the bytes.
 */
export class Reader {
  #buffer: Buffer = Buffer.alloc(0);
  #at = 0;
  #end = 0;
  #objects: unknown[] = [];
  #source: HandleSource | undefined;
  #depth = 0;

  reset(buffer: Buffer, start: number, end: number): this {
    this.#buffer = buffer;
    this.#at = start;
    this.#end = end;
    return this;
  }

  get offset(): number {
    return this.#at;
  }

  u8(): number {
    if (this.#at >= this.#end) throw broken('an early end');
    return this.#buffer[this.#at++] ?? 0;
  }

  u32(): number {
    const at = this.#need(4);
    const b = this.#buffer;
    return (
      ((b[at] ?? 0) | ((b[at + 1] ?? 0) << 8) | ((b[at + 2] ?? 0) << 16) | ((b[at + 3] ?? 0) << 24)) >>> 0
    );
  }

  f64(): number {
    const at = this.#need(8);
    doubleBytes.set(this.#buffer.subarray(at, at + 8));
    return double[0] ?? 0;
  }

  text(): string {
    return this.#string(this.u8());
  }

  /** @throws SerializationError if the bytes are not such a value */
  value(source?: HandleSource): unknown {
    this.#objects = [];
    this.#source = source;
    this.#depth = 0;
    return this.#any(this.u8());
  }

  #need(bytes: number): number {
    const at = this.#at;
    if (bytes > this.#end - at) throw broken('an early end');
    this.#at = at + bytes;
    return at;
  }

  /** A count of things that take at least a byte each: nothing large is built for a lie. */
  #count(): number {
    const count = this.u32();
    if (count > this.#end - this.#at) throw broken('an impossible length');
    return count;
  }

  #string(tag: number): string {
    const length = this.u32();
    if (tag === Tag.Latin1) {
      const at = this.#need(length);
      if (length > SHORT) return this.#buffer.toString('latin1', at, at + length);
      let out = '';
      for (let i = at; i < at + length; i++) out += String.fromCharCode(this.#buffer[i] ?? 0);
      return out;
    }
    if (tag !== Tag.Utf16) throw broken('a string of an unknown kind');
    const at = this.#need(2 * length);
    return this.#buffer.toString('utf16le', at, at + 2 * length);
  }

  #any(tag: number): unknown {
    switch (tag) {
      case Tag.Undefined:
        return undefined;
      case Tag.Null:
        return null;
      case Tag.True:
        return true;
      case Tag.False:
        return false;
      case Tag.SmallInt:
        return (this.u8() << 24) >> 24;
      case Tag.Int32:
        return this.u32() | 0;
      case Tag.Double:
        return this.f64();
      case Tag.Latin1:
      case Tag.Utf16:
        return this.#string(tag);
      case Tag.BigInt:
        return this.#bigint();
      case Tag.Reference: {
        const index = this.u32();
        if (index >= this.#objects.length) throw broken('a reference to nothing');
        return this.#objects[index];
      }
      default: {
        if (++this.#depth > MOST_DEPTH + 2) throw broken('too deep a nesting');
        const object = this.#object(tag);
        this.#depth--;
        return object;
      }
    }
  }

  #bigint(): bigint {
    const negative = this.u8() === 1;
    const length = this.u32();
    const at = this.#need(length);
    const magnitude = BigInt(`0x${this.#buffer.toString('hex', at, at + length) || '0'}`);
    return negative ? -magnitude : magnitude;
  }

  #object(tag: number): unknown {
    switch (tag) {
      case Tag.Object:
        return this.#properties(this.#remember({}));
      case Tag.Array: {
        const length = this.#count();
        const array: unknown[] = [];
        this.#objects.push(array);
        for (let i = 0; i < length; i++) array.push(this.#any(this.u8()));
        return array;
      }
      case Tag.SparseArray: {
        const array = this.#remember<unknown[]>([]);
        array.length = this.u32();
        return this.#properties(array);
      }
      case Tag.Instance: {
        const prototype = registeredPrototype(this.text());
        return this.#properties(this.#remember((prototype ? Object.create(prototype) : {}) as object));
      }
      case Tag.Buffer: {
        const length = this.u32();
        const at = this.#need(length);
        return this.#remember(Buffer.from(this.#buffer.subarray(at, at + length)));
      }
      case Tag.ArrayBuffer: {
        const length = this.u32();
        const at = this.#need(length);
        const bytes = new Uint8Array(length);
        bytes.set(this.#buffer.subarray(at, at + length));
        return this.#remember(bytes.buffer);
      }
      case Tag.View:
        return this.#view();
      case Tag.Date:
        return this.#remember(new Date(this.f64()));
      case Tag.RegExp:
        return this.#regExp();
      case Tag.Map: {
        const map = this.#remember(new Map());
        for (let count = this.#count(); count > 0; count--) {
          const key = this.#any(this.u8());
          map.set(key, this.#any(this.u8()));
        }
        return map;
      }
      case Tag.Set: {
        const set = this.#remember(new Set());
        for (let count = this.#count(); count > 0; count--) set.add(this.#any(this.u8()));
        return set;
      }
      case Tag.BoxedPrimitive: {
        const index = this.#objects.push(undefined) - 1;
        return (this.#objects[index] = Object(this.#any(this.u8())));
      }
      case Tag.Error:
        return this.#error();
      case Tag.Handle: {
        const index = this.#objects.push(undefined) - 1;
        const handle = this.u32();
        if (this.#source === undefined) throw broken('a handle where none can be');
        return (this.#objects[index] = this.#source.take(handle));
      }
      default:
        throw broken(`an unknown tag (${tag})`);
    }
  }

  #remember<O>(object: O): O {
    this.#objects.push(object);
    return object;
  }

  #properties<O extends object>(object: O): O {
    for (;;) {
      const tag = this.u8();
      if (tag === Tag.End) return object;
      setOwn(object, this.#string(tag), this.#any(this.u8()));
    }
  }

  #regExp(): RegExp {
    const source = this.text();
    try {
      return this.#remember(new RegExp(source, this.text()));
    } catch (error) {
      if (error instanceof SerializationError) throw error;
      throw broken('an impossible regular expression');
    }
  }

  #view(): unknown {
    const place = this.#objects.push(undefined) - 1;
    const type = VIEW_TYPES[this.u8()];
    const byteOffset = this.u32();
    const length = this.u32();
    const buffer = this.#any(this.u8());
    const constructors = globalThis as unknown as Record<
      string,
      (new (buffer: unknown, offset: number, length: number) => object) | undefined
    >;
    const Class = type === undefined ? undefined : constructors[type];
    if (Class === undefined) throw broken('a view of an unknown type');
    try {
      return (this.#objects[place] = new Class(buffer, byteOffset, length));
    } catch {
      throw broken('a view beyond its buffer');
    }
  }

  #error(): Error {
    const place = this.#objects.push(undefined) - 1;
    const className = this.text();
    const name = this.text();
    const message = this.text();
    const stack = this.text();
    const prototype = errorPrototype(className);
    const error = new Error(message);
    Object.setPrototypeOf(error, prototype ?? RemoteError.prototype);
    this.#objects[place] = error;
    setHidden(error, 'stack', stack);
    if (prototype === undefined || name !== error.name) setHidden(error, 'name', name || className);
    for (;;) {
      const kind = this.u8();
      if (kind === Tag.End) break;
      const key = this.text();
      const value = this.#any(this.u8());
      if (kind === 2) setHidden(error, key, value);
      else setOwn(error, key, value);
    }
    if (prototype === undefined && !Object.hasOwn(error, 'code')) setOwn(error, 'code', 'ERR_FORKFUL_REMOTE');
    return error;
  }
}

/** As an own property, whatever its name: `__proto__` must not touch the prototype. */
function setOwn(object: object, key: string, value: unknown): void {
  if (key === '__proto__') {
    Object.defineProperty(object, key, { value, enumerable: true, configurable: true, writable: true });
  } else {
    (object as Record<string, unknown>)[key] = value;
  }
}

function setHidden(object: object, key: string, value: unknown): void {
  Object.defineProperty(object, key, { value, enumerable: false, configurable: true, writable: true });
}
