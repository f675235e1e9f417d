import { SerializationError } from '../errors';
import { registerHandleType, type HandleDescription, type Transferable } from '../handles';
import { HANDLE } from '../serializer';

type View = ArrayBufferLike | ArrayBufferView;

/** Shared memory, as far as its views need to know it. */
interface Owner extends Transferable {
  readonly buffer: ArrayBuffer;
}

type Rebuild = (buffer: ArrayBuffer, byteOffset: number, length: number) => View;

const viewOf =
  (Class: new (buffer: ArrayBuffer, byteOffset: number, length: number) => ArrayBufferView): Rebuild =>
  (...range) =>
    new Class(...range);

const REBUILD: ReadonlyMap<string, Rebuild> = new Map<string, Rebuild>([
  ['ArrayBuffer', (buffer) => buffer],
  ['Buffer', (...range) => Buffer.from(...range)],
  ...[
    Int8Array,
    Uint8Array,
    Uint8ClampedArray,
    Int16Array,
    Uint16Array,
    Int32Array,
    Uint32Array,
    Float32Array,
    Float64Array,
    BigInt64Array,
    BigUint64Array,
    DataView,
  ].map((Class) => [Class.name, viewOf(Class)] as const),
]);

function typeOf(view: View): string {
  if (!ArrayBuffer.isView(view)) return 'ArrayBuffer';
  if (Buffer.isBuffer(view)) return 'Buffer';
  // What Object.prototype.toString says cannot be overridden by a subclass's name.
  return Object.prototype.toString.call(view).slice(8, -1);
}

/** What travels instead of a view: the memory, and which part of it. */
export function describeView(view: View, owner: Owner): Transferable {
  return {
    [HANDLE](): HandleDescription {
      const type = typeOf(view);
      if (!REBUILD.has(type)) {
        throw new SerializationError(
          `a ${type} over shared memory cannot be sent; send a typed array of another kind`,
        );
      }
      const range = ArrayBuffer.isView(view)
        ? { byteOffset: view.byteOffset, length: (view as Partial<Uint8Array>).length ?? view.byteLength }
        : { byteOffset: 0, length: 0 };
      return { type: 'SharedView', parts: [owner], details: { view: type, ...range } };
    },
  };
}

registerHandleType('SharedView', (_share, { view, byteOffset, length }, [owner]) => {
  const rebuild = REBUILD.get(String(view));
  if (rebuild === undefined) throw new SerializationError('expected a view of shared memory of this version');
  return rebuild((owner as Owner).buffer, Number(byteOffset), Number(length));
});
