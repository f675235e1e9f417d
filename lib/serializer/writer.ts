import { types } from 'node:util';
import { SerializationError } from '../errors';
import { registeredName } from './classes';
import { HANDLE, MOST_DEPTH, Tag, VIEW_TYPES, type HandleSink } from './tags';

const SHORT = 24; // characters up to which a loop beats a native call
const SCANNED = 16; // objects up to which a linear search beats a Map

const double = new Float64Array(1);
const doubleBytes = new Uint8Array(double.buffer);

function keyPath(key: string): string {
  return /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`;
}

/** Adds where an error occurred while it travels outwards, so that paths cost nothing while there is none. */
class PathError extends Error {
  path = '';
  constructor(
    readonly problem: string,
    override readonly cause?: unknown,
  ) {
    super(problem);
  }
}

function within(error: unknown, step: string): unknown {
  if (error instanceof PathError) error.path = step + error.path;
  return error;
}

/**
 * Turns values into bytes, with the fidelity of structured clone; Buffers stay Buffers, errors keep class, fields and
 * cause. One growing buffer serves all messages: what `buffer` holds is valid until the next `reset`.
 */
export class Writer {
  buffer: Buffer;
  length = 0;
  readonly #objects: object[] = [];
  #indices: Map<object, number> | undefined;
  #sink: HandleSink | undefined;
  #depth = 0;

  constructor(initialBytes = 4096) {
    this.buffer = Buffer.allocUnsafeSlow(initialBytes);
  }

  /** Starts another message. */
  reset(): this {
    this.length = 0;
    if (this.buffer.length > 1 << 20) this.buffer = Buffer.allocUnsafeSlow(4096);
    return this;
  }

  u8(value: number): this {
    this.#room(1);
    this.buffer[this.length++] = value;
    return this;
  }

  u32(value: number): this {
    this.#room(4);
    const { buffer, length } = this;
    buffer[length] = value;
    buffer[length + 1] = value >>> 8;
    buffer[length + 2] = value >>> 16;
    buffer[length + 3] = value >>> 24;
    this.length = length + 4;
    return this;
  }

  f64(value: number): this {
    this.#room(8);
    double[0] = value;
    this.buffer.set(doubleBytes, this.length);
    this.length += 8;
    return this;
  }

  text(value: string): this {
    this.#string(value);
    return this;
  }

  /**
   * One self-contained value.
   * @param path what errors call the value
   * @throws SerializationError which names the path of what cannot be sent
   */
  value(value: unknown, path = 'value', sink?: HandleSink): this {
    this.#sink = sink;
    try {
      this.#any(value);
    } catch (error) {
      if (error instanceof PathError) {
        const where = path + error.path;
        const details = error.cause === undefined ? { path: where } : { path: where, cause: error.cause };
        throw new SerializationError(`${where} ${error.problem}`, details);
      }
      throw error;
    } finally {
      this.#objects.length = 0;
      this.#indices = undefined;
      this.#sink = undefined;
      this.#depth = 0;
    }
    return this;
  }

  #room(bytes: number): void {
    const needed = this.length + bytes;
    if (needed <= this.buffer.length) return;
    const larger = Buffer.allocUnsafeSlow(Math.max(needed, this.buffer.length * 2));
    larger.set(this.buffer.subarray(0, this.length));
    this.buffer = larger;
  }

  #any(value: unknown): void {
    switch (typeof value) {
      case 'number':
        this.#number(value);
        return;
      case 'string':
        this.#string(value);
        return;
      case 'boolean':
        this.u8(value ? Tag.True : Tag.False);
        return;
      case 'undefined':
        this.u8(Tag.Undefined);
        return;
      case 'bigint':
        this.#bigint(value);
        return;
      case 'function':
        throw new PathError(
          `is a function${value.name ? ` (${value.name})` : ''}, which cannot be sent inside a value; ` +
            'send data, or make it the target of a Process or a Pool task',
        );
      case 'symbol':
        throw new PathError('is a symbol, which cannot be sent; send a string instead');
      default:
        if (value === null) this.u8(Tag.Null);
        else this.#object(value as object);
    }
  }

  #number(value: number): void {
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      if (value >= -128 && value <= 127) {
        this.#room(2);
        this.buffer[this.length++] = Tag.SmallInt;
        this.buffer[this.length++] = value;
      } else {
        this.u8(Tag.Int32).u32(value);
      }
    } else {
      this.u8(Tag.Double).f64(value);
    }
  }

  #string(value: string): void {
    const { length } = value;
    this.#room(5 + 2 * length);
    const start = this.length;
    const { buffer } = this;
    let at = start + 5;
    if (length <= SHORT) {
      let i = 0;
      for (; i < length; i++) {
        const unit = value.charCodeAt(i);
        if (unit > 255) break;
        buffer[at++] = unit;
      }
      if (i === length) {
        this.#stringHeader(Tag.Latin1, length);
        this.length = at;
        return;
      }
    } else if (isLatin1(value)) {
      this.#stringHeader(Tag.Latin1, length);
      buffer.write(value, start + 5, 'latin1');
      this.length = start + 5 + length;
      return;
    }
    this.#stringHeader(Tag.Utf16, length);
    buffer.write(value, start + 5, 'utf16le');
    this.length = start + 5 + 2 * length;
  }

  #stringHeader(tag: number, length: number): void {
    const { buffer } = this;
    const at = this.length;
    buffer[at] = tag;
    buffer[at + 1] = length;
    buffer[at + 2] = length >>> 8;
    buffer[at + 3] = length >>> 16;
    buffer[at + 4] = length >>> 24;
  }

  #bigint(value: bigint): void {
    const negative = value < 0n;
    let hex = (negative ? -value : value).toString(16);
    if (hex.length % 2 === 1) hex = `0${hex}`;
    this.u8(Tag.BigInt).u8(negative ? 1 : 0);
    this.#bytes(Buffer.from(hex, 'hex'));
  }

  #bytes(bytes: Uint8Array): void {
    this.u32(bytes.length);
    this.#room(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Writes a reference if the object was met before, else remembers it. */
  #seen(object: object): boolean {
    const objects = this.#objects;
    let index: number | undefined;
    if (this.#indices === undefined) {
      const found = objects.indexOf(object);
      if (found >= 0) index = found;
    } else {
      index = this.#indices.get(object);
    }
    if (index !== undefined) {
      this.u8(Tag.Reference).u32(index);
      return true;
    }
    this.#indices?.set(object, objects.length);
    objects.push(object);
    if (objects.length === SCANNED) this.#indices = new Map(objects.map((known, i) => [known, i]));
    return false;
  }

  #object(object: object): void {
    if (this.#seen(object)) return;
    if (++this.#depth > MOST_DEPTH) {
      throw new PathError(
        `is nested more than ${MOST_DEPTH} levels deep; send it flatter, e.g. as an array of nodes`,
      );
    }
    if (Array.isArray(object)) this.#array(object as unknown[]);
    else {
      const prototype = Object.getPrototypeOf(object) as object | null;
      if (prototype === null || prototype === Object.prototype) this.#plain(object);
      else this.#special(object, prototype);
    }
    this.#depth--;
  }

  #plain(object: object): void {
    this.u8(Tag.Object);
    this.#properties(object, Object.keys(object));
  }

  #properties(object: object, keys: readonly string[]): void {
    for (const key of keys) {
      let value: unknown;
      try {
        value = (object as Record<string, unknown>)[key];
      } catch (error) {
        throw within(new PathError('has a getter that throws; send a plain copy', error), keyPath(key));
      }
      this.#string(key);
      try {
        this.#any(value);
      } catch (error) {
        throw within(error, keyPath(key));
      }
    }
    this.u8(Tag.End);
  }

  #array(array: unknown[]): void {
    const { length } = array;
    const keys = Object.keys(array);
    const dense = keys.length === length && (length === 0 || keys[length - 1] === String(length - 1));
    if (!dense) {
      this.u8(Tag.SparseArray).u32(length);
      this.#properties(array, keys);
      return;
    }
    this.u8(Tag.Array).u32(length);
    for (let i = 0; i < length; i++) {
      try {
        this.#any(array[i]);
      } catch (error) {
        throw within(error, `[${i}]`);
      }
    }
  }

  #special(object: object, prototype: object): void {
    if (typeof (object as Record<symbol, unknown>)[HANDLE] === 'function') this.#handle(object);
    else if (ArrayBuffer.isView(object)) this.#view(object);
    else if (types.isDate(object)) this.u8(Tag.Date).f64(object.getTime());
    else if (types.isRegExp(object)) this.u8(Tag.RegExp).text(object.source).text(object.flags);
    else if (types.isMap(object)) this.#map(object);
    else if (types.isSet(object)) this.#set(object);
    else if (types.isAnyArrayBuffer(object)) this.#arrayBuffer(object);
    else if (types.isNativeError(object)) this.#error(object);
    else if (types.isBoxedPrimitive(object)) this.#boxed(object);
    else if (types.isProxy(object))
      throw new PathError('is a Proxy, which cannot be sent; send a plain copy');
    else this.#instance(object, prototype);
  }

  #handle(object: object): void {
    if (this.#sink === undefined) {
      throw new PathError(
        `is a ${object.constructor.name}, which can be an argument of a Process or of a Pool's initializer, ` +
          'but not part of a message or of a task; pass it when the process is created',
      );
    }
    this.u8(Tag.Handle).u32(this.#sink.add(object));
  }

  #instance(object: object, prototype: object): void {
    const type = Object.prototype.toString.call(object).slice(8, -1);
    if (UNSENDABLE.has(type) || types.isPromise(object) || types.isExternal(object)) {
      throw new PathError(`is a ${type}, which cannot be sent; send the data it stands for`);
    }
    const name = registeredName(prototype);
    if (name === undefined) this.u8(Tag.Object);
    else this.u8(Tag.Instance).text(name);
    this.#properties(object, Object.keys(object));
  }

  #map(map: ReadonlyMap<unknown, unknown>): void {
    const entries = [...map]; // a getter may change it meanwhile
    this.u8(Tag.Map).u32(entries.length);
    entries.forEach(([key, value], i) => {
      try {
        this.#any(key);
        this.#any(value);
      } catch (error) {
        throw within(error, `<entry ${i}>`);
      }
    });
  }

  #set(set: ReadonlySet<unknown>): void {
    const values = [...set];
    this.u8(Tag.Set).u32(values.length);
    values.forEach((value, i) => {
      try {
        this.#any(value);
      } catch (error) {
        throw within(error, `<entry ${i}>`);
      }
    });
  }

  #arrayBuffer(buffer: ArrayBuffer | SharedArrayBuffer): void {
    if (types.isSharedArrayBuffer(buffer)) {
      throw new PathError(
        'is a SharedArrayBuffer, whose memory belongs to one process; send a copy: new Uint8Array(view)',
      );
    }
    this.u8(Tag.ArrayBuffer);
    this.#bytes(new Uint8Array(buffer));
  }

  #view(view: ArrayBufferView): void {
    if (Buffer.isBuffer(view)) {
      this.u8(Tag.Buffer);
      this.#bytes(view);
      return;
    }
    const type = Object.prototype.toString.call(view).slice(8, -1);
    const index = (VIEW_TYPES as readonly string[]).indexOf(type);
    const length = (view as Partial<Uint8Array>).length ?? view.byteLength;
    this.u8(Tag.View).u8(index).u32(view.byteOffset).u32(length);
    this.#any(view.buffer);
  }

  #boxed(object: object): void {
    const primitive = object.valueOf();
    if (typeof primitive === 'symbol')
      throw new PathError('is a symbol, which cannot be sent; send a string instead');
    this.u8(Tag.BoxedPrimitive);
    this.#any(primitive);
  }

  /** Never fails: what of an error cannot be sent is left out. */
  #error(error: Error): void {
    const read = (key: string): unknown => {
      try {
        return (error as unknown as Record<string, unknown>)[key];
      } catch {
        return undefined;
      }
    };
    const asText = (value: unknown): string => (typeof value === 'string' ? value : '');
    const constructor = read('constructor') as { name?: unknown } | undefined;
    const className =
      typeof constructor === 'function' ? asText((constructor as { name?: unknown }).name) : '';
    this.u8(Tag.Error)
      .text(className || 'Error')
      .text(asText(read('name')));
    this.text(asText(read('message'))).text(asText(read('stack')));
    const hidden = ['cause', 'errors'].filter((key) => Object.hasOwn(error, key));
    for (const key of new Set([...hidden, ...Object.keys(error)])) {
      if (key === 'name' || key === 'message' || key === 'stack') continue;
      this.#optionalProperty(key, read(key), !hidden.includes(key));
    }
    this.u8(Tag.End);
  }

  #optionalProperty(key: string, value: unknown, enumerable: boolean): void {
    const { length } = this;
    const known = this.#objects.length;
    const depth = this.#depth;
    try {
      this.u8(enumerable ? 1 : 2);
      this.#string(key);
      this.#any(value);
    } catch (error) {
      if (!(error instanceof PathError)) throw error;
      this.length = length;
      this.#depth = depth;
      for (const forgotten of this.#objects.splice(known)) this.#indices?.delete(forgotten);
    }
  }
}

const UNSENDABLE = new Set([
  'WeakMap',
  'WeakSet',
  'WeakRef',
  'Promise',
  'Generator',
  'AsyncGenerator',
  'MessagePort',
]);

const BEYOND_LATIN1 = /[^\u0000-\u00ff]/;

function isLatin1(value: string): boolean {
  return !BEYOND_LATIN1.test(value);
}
