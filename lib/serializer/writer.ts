import { inspect, types } from 'node:util';
import { SerializationError } from '../errors';
import { errorClass, registeredName } from './classes';
import { Failure, HandleFailure, keyPath, outermost, within } from './failure';
import { sharedViewHandle } from './shared-views';
import { ErrorProperty, HANDLE, MOST_DEPTH, SHORT, Tag, VIEW_TYPES, type HandleSink } from './tags';

const SCANNED = 16; // objects up to which a linear search beats a Map
const INSPECTED = 128; // elements from which asking for the names of all is dearer than the inspector
const KEPT = 4 << 20; // bytes: a larger buffer is given back with the next message
const APART = 1 << 16; // bytes from which a Buffer is worth to be sent from where it is
const MOST_BYTES = 0xffffffff;

/**
 * Turns values into bytes, with the fidelity of structured clone; Buffers stay Buffers, errors keep class, fields and
 * cause. One growing buffer serves all messages: what `buffer` holds is valid until the next `reset`.
 */
export class Writer {
  buffer: Buffer;
  length = 0;
  /** A large Buffer of the message whose bytes were left where they are: whoever allowed that sends them too. */
  apart: Buffer | undefined;
  #mayLeaveApart = false;
  readonly #initialBytes: number;
  readonly #objects: object[] = [];
  #indices: Map<object, number> | undefined;
  #sink: HandleSink | undefined;
  #depth = 0;

  constructor(initialBytes = 4096) {
    this.#initialBytes = initialBytes;
    this.buffer = Buffer.allocUnsafeSlow(initialBytes);
  }

  /** Starts another message. */
  reset(): this {
    if (this.#depth > 0) {
      // Only a getter or a proxy of that value can bring us here; going on would mix two messages.
      throw new SerializationError(
        'cannot send a value while another one is being read, from a getter of it; send it before or after',
      );
    }
    this.length = 0;
    this.apart = undefined;
    this.#mayLeaveApart = false;
    if (this.buffer.length > KEPT) this.buffer = Buffer.allocUnsafeSlow(this.#initialBytes);
    return this;
  }

  /** The first large Buffer of this message may be left {@link apart}. */
  mayLeaveApart(): this {
    this.#mayLeaveApart = true;
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
    this.length = this.buffer.writeDoubleLE(value, this.length);
    return this;
  }

  text(value: string): this {
    this.#string(value);
    return this;
  }

  /**
   * One self-contained value. If it fails nothing was written.
   * @param path what errors call the value
   * @throws SerializationError which names the path of what cannot be sent
   */
  value(value: unknown, path = 'value', sink?: HandleSink): this {
    const start = this.length;
    this.#sink = sink;
    try {
      this.#any(value);
    } catch (error) {
      this.length = start;
      this.apart = undefined;
      throw outermost(error, path);
    } finally {
      if (this.#objects.length > 0) this.#objects.length = 0; // setting it is no cheap operation
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
        throw new Failure(
          `is a function${value.name ? ` (${value.name})` : ''}, which cannot be sent inside a value; ` +
            'send data, or make it the target of a Process or a Pool task',
        );
      case 'symbol':
        throw new Failure('is a symbol, which cannot be sent; send a string instead');
      default:
        if (value === null) this.u8(Tag.Null);
        else this.#object(value as object);
    }
  }

  #number(value: number): void {
    this.#room(9);
    const { buffer } = this;
    if ((value | 0) === value && (value !== 0 || 1 / value > 0)) {
      let at = this.length;
      if (value >= -128 && value <= 127) {
        buffer[at++] = Tag.SmallInt;
        buffer[at++] = value;
      } else {
        buffer[at++] = Tag.Int32;
        buffer[at++] = value;
        buffer[at++] = value >>> 8;
        buffer[at++] = value >>> 16;
        buffer[at++] = value >>> 24;
      }
      this.length = at;
    } else {
      buffer[this.length] = Tag.Double;
      this.length = buffer.writeDoubleLE(value, this.length + 1);
    }
  }

  #string(value: string): void {
    const { length } = value;
    if (length <= SHORT) {
      this.#room(2 + length);
      const { buffer } = this;
      let at = this.length;
      buffer[at++] = Tag.ShortLatin1;
      buffer[at++] = length;
      let i = 0;
      for (; i < length; i++) {
        const unit = value.charCodeAt(i);
        if (unit > 255) break;
        buffer[at++] = unit;
      }
      if (i === length) {
        this.length = at;
        return;
      }
    }
    this.#room(5 + 2 * length);
    const { buffer } = this;
    const latin1 = !BEYOND_LATIN1.test(value);
    const start = this.length;
    buffer[start] = latin1 ? Tag.Latin1 : Tag.Utf16;
    buffer[start + 1] = length;
    buffer[start + 2] = length >>> 8;
    buffer[start + 3] = length >>> 16;
    buffer[start + 4] = length >>> 24;
    if (latin1) this.length = start + 5 + buffer.write(value, start + 5, 'latin1');
    else this.length = start + 5 + buffer.write(value, start + 5, 'utf16le');
  }

  #bigint(value: bigint): void {
    const negative = value < 0n;
    let hex = (negative ? -value : value).toString(16);
    if (hex.length % 2 === 1) hex = `0${hex}`;
    this.u8(Tag.BigInt).u8(negative ? 1 : 0);
    this.#bytes(Buffer.from(hex, 'hex'));
  }

  #bytes(bytes: Uint8Array): void {
    if (bytes.length > MOST_BYTES) throw new Failure('has more than 4 GiB; send it in parts');
    this.u32(bytes.length);
    this.#room(bytes.length);
    this.buffer.set(bytes, this.length);
    this.length += bytes.length;
  }

  /** Writes a reference if the object was met before, else remembers it. */
  #seen(object: object): boolean {
    const objects = this.#objects;
    const index = this.#indices === undefined ? objects.indexOf(object) : (this.#indices.get(object) ?? -1);
    if (index >= 0) {
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
      throw new Failure(
        `is nested more than ${MOST_DEPTH} levels deep; send it flatter, e.g. as an array of nodes`,
      );
    }
    if (Array.isArray(object)) this.#array(object as unknown[]);
    else {
      const prototype = Object.getPrototypeOf(object) as object | null;
      if (typeof (object as Record<symbol, unknown>)[HANDLE] === 'function') this.#handle(object);
      else if (prototype === null || prototype === Object.prototype) this.#plain(object);
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
      try {
        this.#string(key);
        this.#any((object as Record<string, unknown>)[key]);
      } catch (error) {
        throw within(error, keyPath(key));
      }
    }
    this.u8(Tag.End);
  }

  #array(array: unknown[]): void {
    const { length } = array;
    const plain = hasOnlyElements(array);
    this.u8(plain ? Tag.Array : Tag.ArrayWithProperties).u32(length);
    let keys: readonly string[] | undefined; // needed to step over holes only
    let next = 0;
    for (let i = 0; i < length; i++) {
      try {
        const value = array[i];
        if (value !== undefined || i in array) {
          this.#any(value);
          continue;
        }
      } catch (error) {
        throw within(error, `[${i}]`);
      }
      keys ??= Object.keys(array);
      while (next < keys.length && Number(keys[next]) <= i) next++;
      const key = keys[next];
      const following = key !== undefined && isIndex(key) ? Math.min(length, Number(key)) : length;
      this.u8(Tag.Hole).u32(following - i);
      i = following - 1;
    }
    if (plain) return;
    const named = Object.keys(array).filter((key) => !isIndex(key));
    this.#properties(array, named);
  }

  #special(object: object, prototype: object): void {
    if (ArrayBuffer.isView(object)) this.#view(object);
    else if (types.isDate(object)) this.u8(Tag.Date).f64(Date.prototype.getTime.call(object));
    else if (types.isRegExp(object)) this.u8(Tag.RegExp).text(object.source).text(object.flags);
    else if (types.isMap(object)) this.#map(object);
    else if (types.isSet(object)) this.#set(object);
    else if (types.isAnyArrayBuffer(object)) this.#arrayBuffer(object);
    else if (types.isNativeError(object)) this.#error(object);
    else if (types.isBoxedPrimitive(object)) this.#boxed(object);
    else if (types.isProxy(object)) throw new Failure('is a Proxy, which cannot be sent; send a plain copy');
    else this.#instance(object, prototype);
  }

  #handle(object: object): void {
    if (this.#sink === undefined) {
      throw new Failure(
        'cannot travel here: queues, connections, locks and shared data can be part of arguments, messages, tasks ' +
          'and results; pass it in one of those',
      );
    }
    let index: number;
    try {
      index = this.#sink.add(object);
    } catch (error) {
      throw new HandleFailure(error);
    }
    this.u8(Tag.Handle).u32(index);
  }

  #instance(object: object, prototype: object): void {
    const type = Object.prototype.toString.call(object).slice(8, -1);
    if (type === 'DOMException' || object instanceof Error) {
      this.#error(object as Error);
      return;
    }
    if (UNSENDABLE.test(type) || types.isPromise(object) || types.isExternal(object)) {
      throw new Failure(
        `is a${/^[AEIOU]/.test(type) ? 'n' : ''} ${type}, which cannot be sent; send the data it stands for`,
      );
    }
    const name = registeredName(prototype);
    if (name === undefined) this.u8(Tag.Object);
    else this.u8(Tag.Instance).text(name);
    this.#properties(object, Object.keys(object));
  }

  #map(map: ReadonlyMap<unknown, unknown>): void {
    const entries = [...Map.prototype.entries.call(map)] as [unknown, unknown][]; // a getter may change it meanwhile
    this.u8(Tag.Map).u32(entries.length);
    let i = 0;
    try {
      for (const [key, value] of entries) {
        this.#any(key);
        this.#any(value);
        i++;
      }
    } catch (error) {
      throw within(error, `<entry ${i}>`);
    }
  }

  #set(set: ReadonlySet<unknown>): void {
    const values = [...Set.prototype.values.call(set)] as unknown[];
    this.u8(Tag.Set).u32(values.length);
    let i = 0;
    try {
      for (const value of values) {
        this.#any(value);
        i++;
      }
    } catch (error) {
      throw within(error, `<entry ${i}>`);
    }
  }

  #arrayBuffer(buffer: ArrayBuffer | SharedArrayBuffer): void {
    refuseShared(buffer);
    const handle = sharedViewHandle(buffer);
    if (handle !== undefined) {
      this.#handle(handle);
      return;
    }
    const { resizable, maxByteLength } = buffer as { resizable?: boolean; maxByteLength?: number };
    if (resizable === true) this.u8(Tag.ResizableBuffer).f64(maxByteLength ?? 0);
    else this.u8(Tag.ArrayBuffer);
    this.#bytes(new Uint8Array(buffer));
  }

  #view(view: ArrayBufferView): void {
    refuseShared(view.buffer);
    const handle = sharedViewHandle(view);
    if (handle !== undefined) {
      this.#handle(handle);
      return;
    }
    if (Buffer.isBuffer(view)) {
      if (
        this.#mayLeaveApart &&
        this.apart === undefined &&
        view.length >= APART &&
        view.length <= MOST_BYTES
      ) {
        this.apart = view;
        this.u8(Tag.BufferApart).u32(view.length);
        return;
      }
      this.u8(Tag.Buffer);
      this.#bytes(view); // on its own: its ArrayBuffer may be the pool of all small ones
      return;
    }
    const type = typedArrayName.call(view) ?? 'DataView';
    const index = (VIEW_TYPES as readonly string[]).indexOf(type);
    if (index < 0) throw new Failure(`is a ${type}, which this version does not know; send another kind`);
    const length = (view as Partial<Uint8Array>).length ?? view.byteLength;
    this.u8(Tag.View).u8(index).u32(view.byteOffset).u32(length);
    this.#any(view.buffer);
  }

  #boxed(object: object): void {
    let primitive: unknown;
    if (types.isNumberObject(object)) primitive = Number.prototype.valueOf.call(object);
    else if (types.isStringObject(object)) primitive = String.prototype.valueOf.call(object);
    else if (types.isBooleanObject(object)) primitive = Boolean.prototype.valueOf.call(object);
    else if (types.isBigIntObject(object)) primitive = BigInt.prototype.valueOf.call(object);
    else primitive = Symbol.prototype.valueOf.call(object);
    this.u8(Tag.BoxedPrimitive);
    this.#any(primitive);
  }

  /** Never fails: what of an error cannot be sent is left out. */
  #error(error: Error): void {
    const { origin, name } = errorClass(error);
    const read = (key: string): unknown => {
      try {
        return (error as unknown as Record<string, unknown>)[key];
      } catch {
        return undefined;
      }
    };
    const readText = (key: string): string => {
      const value = read(key);
      return typeof value === 'string' ? value : '';
    };
    this.u8(Tag.Error).u8(origin).text(name);
    this.text(readText('name')).text(readText('message')).text(readText('stack'));
    const visible = Object.keys(error).filter((key) => !HEAD.has(key));
    for (const key of visible) this.#optionalProperty(key, read(key), ErrorProperty.Enumerable);
    for (const key of ['cause', 'errors']) {
      if (!Object.hasOwn(error, key) || visible.includes(key)) continue;
      this.#optionalProperty(key, read(key), ErrorProperty.Hidden);
    }
    this.u8(Tag.End);
  }

  #optionalProperty(key: string, value: unknown, kind: number): void {
    const { length, apart } = this;
    const known = this.#objects.length;
    const depth = this.#depth;
    try {
      this.u8(kind).text(key);
      this.#any(value);
    } catch {
      this.length = length;
      this.apart = apart;
      this.#depth = depth;
      for (const forgotten of this.#objects.splice(known)) this.#indices?.delete(forgotten);
    }
  }
}

/** What is written of every error, before its properties. */
const HEAD: ReadonlySet<string> = new Set(['name', 'message', 'stack']);

/** By Object.prototype.toString: what structured clone refuses too. */
const UNSENDABLE =
  /^(Weak(Map|Set|Ref)|Promise|(Async)?Generator|.* Iterator|FinalizationRegistry|MessagePort)$/;

const BEYOND_LATIN1 = /[^\u0000-\u00ff]/;

/** A subclass may override `constructor.name` and `Symbol.toStringTag`, but not this; undefined for a DataView. */
// eslint-disable-next-line @typescript-eslint/unbound-method -- called with each view as `this`
const typedArrayName = Object.getOwnPropertyDescriptor(
  Object.getPrototypeOf(Uint8Array.prototype),
  Symbol.toStringTag,
)?.get as (this: ArrayBufferView) => string | undefined;

function refuseShared(buffer: ArrayBufferLike): void {
  if (!types.isSharedArrayBuffer(buffer)) return;
  throw new Failure(
    'is shared memory (a SharedArrayBuffer), which belongs to one process; send a copy: Uint8Array.from(view)',
  );
}

function isIndex(key: string): boolean {
  const number = Number(key);
  return number >= 0 && number < MOST_BYTES && String(Math.trunc(number)) === key;
}

/** Whether an array has no properties beside elements and holes. */
function hasOnlyElements(array: readonly unknown[]): boolean {
  const { length } = array;
  if (length >= INSPECTED) {
    // Naming all keys of a large array takes far longer than writing it; the inspector looks at the others only.
    const shown = inspect(array, {
      maxArrayLength: 0,
      depth: 0,
      customInspect: false,
      breakLength: Infinity,
    });
    if (shown === `[ ... ${length} more items ]`) return true;
  }
  const last = Object.keys(array).at(-1);
  return last === undefined || isIndex(last);
}
