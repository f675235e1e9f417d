import { constants } from 'node:buffer';
import { types } from 'node:util';
import { ForkfulError, RemoteError, SerializationError } from '../errors';
import { errorPrototype, registeredPrototype } from './classes';
import { ErrorProperty, MOST_DEPTH, SHORT, Tag, VIEW_TYPES, type HandleSource } from './tags';

const NOTHING: Buffer = Buffer.alloc(0);
const MOST_CHARACTERS = constants.MAX_STRING_LENGTH;
/** A few bytes may say that an array has billions of holes: so many, at a time, may take memory. V8's own bound. */
const MOST_DENSE_HOLES = 1024;

/** Property names recur from message to message: finding the one of last time beats making it again. */
const keys: string[] = new Array<string>(512).fill('');

function broken(what: string, cause?: unknown): SerializationError {
  return new SerializationError(
    `expected a message of this library, got bytes with ${what}; is the other side of the same version?`,
    cause === undefined ? {} : { cause },
  );
}

/**
 * Turns bytes into the values that a {@link Writer} wrote. Every byte is checked: whatever comes, the worst is a
 * SerializationError. The values share no memory with the bytes.
 */
export class Reader {
  #buffer = NOTHING;
  #at = 0;
  #end = 0;
  readonly #objects: unknown[] = [];
  #source: HandleSource | undefined;
  #apart: Buffer | undefined;
  #depth = 0;

  /**
   * @param end where the message ends, at most the length of the buffer
   * @param apart the Buffer that its writer has left apart, which becomes part of the value
   */
  reset(buffer: Buffer, start: number, end: number, apart?: Buffer): this {
    this.#apart = apart;
    this.#buffer = buffer;
    this.#at = start;
    this.#end = Math.min(end, buffer.length);
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
    return this.#buffer.readDoubleLE(this.#need(8));
  }

  text(): string {
    return this.#string(this.u8());
  }

  /** @throws SerializationError if the bytes are not such a value */
  value(source?: HandleSource): unknown {
    this.#source = source;
    try {
      return this.#any(this.u8());
    } catch (error) {
      // What else the engine throws: the stack or memory ends, a number is out of its range.
      throw error instanceof ForkfulError ? error : broken('a value that cannot be built', error);
    } finally {
      if (this.#objects.length > 0) this.#objects.length = 0; // setting it is no cheap operation
      this.#source = undefined;
      this.#depth = 0;
    }
  }

  #need(bytes: number): number {
    const at = this.#at;
    if (bytes > this.#end - at) throw broken('an early end');
    this.#at = at + bytes;
    return at;
  }

  #bytes(): Buffer {
    const length = this.u32();
    const at = this.#need(length);
    return this.#buffer.subarray(at, at + length);
  }

  #string(tag: number): string {
    if (tag === Tag.ShortLatin1) {
      const length = this.u8();
      return this.#characters(this.#need(length), length);
    }
    const length = this.u32();
    if (length > MOST_CHARACTERS) throw broken('an impossible length');
    if (tag === Tag.Latin1) {
      const at = this.#need(length);
      return this.#buffer.toString('latin1', at, at + length);
    }
    if (tag !== Tag.Utf16) throw broken('a string of an unknown kind');
    const at = this.#need(2 * length);
    return this.#buffer.toString('utf16le', at, at + 2 * length);
  }

  #characters(at: number, length: number): string {
    const end = at + length;
    if (length > SHORT) return this.#buffer.toString('latin1', at, end);
    let out = '';
    for (let i = at; i < end; i++) out += String.fromCharCode(this.#buffer[i] ?? 0);
    return out;
  }

  /** Of a property list. */
  #key(tag: number): string {
    if (tag !== Tag.ShortLatin1) return this.#string(tag);
    const length = this.u8();
    const at = this.#need(length);
    const b = this.#buffer;
    const middle = b[at + (length >> 1)] ?? 0;
    const slot =
      ((b[at] ?? 0) * 31 + (b[at + length - 1] ?? 0) * 7 + middle * 3 + length) & (keys.length - 1);
    const known = keys[slot] ?? '';
    if (known.length === length) {
      let i = 0;
      while (i < length && known.charCodeAt(i) === b[at + i]) i++;
      if (i === length) return known;
    }
    return (keys[slot] = this.#characters(at, length));
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
      case Tag.ShortLatin1:
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
        if (++this.#depth > MOST_DEPTH) throw broken('too deep a nesting');
        const object = this.#object(tag);
        this.#depth--;
        return object;
      }
    }
  }

  #bigint(): bigint {
    const negative = this.u8() === 1;
    const magnitude = BigInt(`0x${this.#bytes().toString('hex') || '0'}`);
    return negative ? -magnitude : magnitude;
  }

  #object(tag: number): unknown {
    switch (tag) {
      case Tag.Object:
        return this.#plain();
      case Tag.Array:
        return this.#array();
      case Tag.ArrayWithProperties:
        return this.#properties(this.#array());
      case Tag.Instance: {
        const prototype = registeredPrototype(this.text());
        if (prototype === undefined) return this.#plain();
        return this.#properties(this.#remember(Object.create(prototype) as object));
      }
      case Tag.Buffer:
        return this.#remember(Buffer.from(this.#bytes()));
      case Tag.BufferApart:
        return this.#remember(this.#takeApart(this.u32()));
      case Tag.ArrayBuffer:
        return this.#remember(new Uint8Array(this.#bytes()).buffer);
      case Tag.ResizableBuffer:
        return this.#resizableBuffer();
      case Tag.View:
        return this.#view();
      case Tag.Date:
        return this.#remember(new Date(this.f64()));
      case Tag.RegExp:
        return this.#remember(new RegExp(this.text(), this.text()));
      case Tag.Map: {
        const map = this.#remember(new Map());
        for (let count = this.u32(); count > 0; count--) {
          const key = this.#any(this.u8());
          map.set(key, this.#any(this.u8()));
        }
        return map;
      }
      case Tag.Set: {
        const set = this.#remember(new Set());
        for (let count = this.u32(); count > 0; count--) set.add(this.#any(this.u8()));
        return set;
      }
      case Tag.BoxedPrimitive: {
        const place = this.#reserve();
        return (this.#objects[place] = Object(this.#any(this.u8())));
      }
      case Tag.Error:
        return this.#error();
      case Tag.Handle: {
        const place = this.#reserve();
        const handle = this.u32();
        if (this.#source === undefined) throw broken('a handle where none can be');
        return (this.#objects[place] = this.#source.take(handle));
      }
      default:
        throw broken(`an unknown tag (${tag})`);
    }
  }

  #takeApart(length: number): Buffer {
    const bytes = this.#apart;
    this.#apart = undefined;
    if (bytes?.length !== length) throw broken('a Buffer that did not come with it');
    return bytes;
  }

  #remember<O>(object: O): O {
    this.#objects.push(object);
    return object;
  }

  /** The place of an object that is made after what it holds. */
  #reserve(): number {
    return this.#objects.push(undefined) - 1;
  }

  #plain(): object {
    const object = this.#remember({});
    for (;;) {
      const tag = this.u8();
      if (tag === Tag.End) return object;
      setPlain(object, this.#key(tag), this.#any(this.u8()));
    }
  }

  #properties<O extends object>(object: O): O {
    for (;;) {
      const tag = this.u8();
      if (tag === Tag.End) return object;
      setOwn(object, this.#key(tag), this.#any(this.u8()));
    }
  }

  /** Grows as elements come, so that nothing large is built for a lie. */
  #array(): unknown[] {
    const length = this.u32();
    const array = this.#remember<unknown[]>([]);
    let at = 0;
    while (at < length) {
      const tag = this.u8();
      if (tag !== Tag.Hole) array[at++] = this.#any(tag);
      else {
        const run = this.u32();
        if (run === 0 || run > length - at) throw broken('an impossible length');
        at += run;
        if (run > MOST_DENSE_HOLES) {
          // An element far behind the others makes V8 keep them in a table, whose size is theirs, not the array's.
          array[at - 1] = undefined;
          Reflect.deleteProperty(array, at - 1);
        }
        array.length = at;
      }
    }
    return array;
  }

  #resizableBuffer(): ArrayBuffer {
    const maxByteLength = this.f64();
    const bytes = this.#bytes();
    const Resizable = ArrayBuffer as new (length: number, options: { maxByteLength: number }) => ArrayBuffer;
    const buffer = new Resizable(bytes.length, { maxByteLength });
    new Uint8Array(buffer).set(bytes);
    return this.#remember(buffer);
  }

  #view(): unknown {
    const place = this.#reserve();
    const type = VIEW_TYPES[this.u8()];
    const byteOffset = this.u32();
    const length = this.u32();
    const buffer = this.#any(this.u8());
    if (!types.isArrayBuffer(buffer)) throw broken('a view of something else than a buffer');
    const constructors = globalThis as unknown as Record<
      string,
      (new (buffer: unknown, offset: number, length: number) => object) | undefined
    >;
    const Class = type === undefined ? undefined : constructors[type];
    if (Class === undefined) throw broken('a view of an unknown type');
    return (this.#objects[place] = new Class(buffer, byteOffset, length));
  }

  #error(): Error {
    const place = this.#reserve();
    const origin = this.u8();
    const className = this.text();
    const name = this.text();
    const message = this.text();
    const stack = this.text();
    const prototype = errorPrototype(origin, className);
    const error = newError(prototype, name, message);
    this.#objects[place] = error;
    setHidden(error, 'stack', stack);
    if (prototype === undefined || name !== error.name) setHidden(error, 'name', name || className);
    for (;;) {
      const kind = this.u8();
      if (kind === Tag.End) break;
      const key = this.text();
      const value = this.#any(this.u8());
      if (kind === ErrorProperty.Hidden) setHidden(error, key, value);
      else setOwn(error, key, value);
    }
    if (prototype === undefined && !Object.hasOwn(error, 'code')) setOwn(error, 'code', 'ERR_FORKFUL_REMOTE');
    return error;
  }
}

function newError(prototype: object | undefined, name: string, message: string): Error {
  if (prototype === DOMException.prototype) return new DOMException(message, name); // its name is not a property
  const error = message === '' ? new Error() : new Error(message);
  return Object.setPrototypeOf(error, prototype ?? RemoteError.prototype) as Error;
}

/** Of a plain object, as an own property whatever its name: `__proto__` must not touch the prototype. */
function setPlain(object: object, key: string, value: unknown): void {
  if (key === '__proto__') define(object, key, value, true);
  else (object as Record<string, unknown>)[key] = value;
}

/** Of any other object: bytes must not run the setters of a class. */
function setOwn(object: object, key: string, value: unknown): void {
  if (key in object) define(object, key, value, true);
  else (object as Record<string, unknown>)[key] = value;
}

function setHidden(object: object, key: string, value: unknown): void {
  define(object, key, value, false);
}

function define(object: object, key: string, value: unknown, enumerable: boolean): void {
  Object.defineProperty(object, key, { value, enumerable, configurable: true, writable: true });
}
