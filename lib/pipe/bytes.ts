import { types } from 'node:util';
import { BufferTooShortError, SerializationError } from '../errors';
import { integer, invalid, record, type WaitOptions } from '../options';

/** A Buffer, a typed array, a DataView, or what these look at. */
export type Bytes = ArrayBufferView | ArrayBufferLike;

export interface ReceiveBytesOptions extends WaitOptions {
  /** The longest message (bytes) that is welcome. @default none */
  readonly maxLength?: number;
}

/** A view of `size` bytes from `offset` on. */
export function partOf(call: string, data: Bytes, offset?: number, size?: number): Uint8Array {
  const whole = view(call, data);
  const start = offset === undefined ? 0 : integer(`${call} argument "offset"`, offset, 0, whole.length);
  const left = whole.length - start;
  const length = size === undefined ? left : integer(`${call} argument "size"`, size, 0, left);
  return whole.subarray(start, start + length);
}

function view(call: string, data: unknown): Uint8Array {
  if (ArrayBuffer.isView(data)) return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
  if (types.isAnyArrayBuffer(data)) return new Uint8Array(data);
  throw invalid(`${call} argument "data"`, 'a Buffer, a typed array, a DataView or an ArrayBuffer', data);
}

export function receiveLimit(
  call: string,
  options: ReceiveBytesOptions,
): { readonly maxLength: number; readonly wait: WaitOptions } {
  const { maxLength, ...wait } = record(`${call} options`, options, ['maxLength', 'timeout', 'signal']);
  return {
    maxLength: maxLength === undefined ? Infinity : integer(`${call} option "maxLength"`, maxLength, 0),
    wait: wait as WaitOptions,
  };
}

/** A message as bytes: only those that were sent as such are. */
export function bytesOf(message: unknown): Buffer {
  if (Buffer.isBuffer(message)) return message;
  throw new SerializationError(
    'expected a message of bytes (of sendBytes(), or a Buffer), but another value had been sent; receive those with recv()',
  );
}

export function limited(message: Buffer, maxLength: number): Buffer {
  if (message.length <= maxLength) return message;
  throw new BufferTooShortError(
    `expected a message of at most ${maxLength} bytes, got one of ${message.length}; it is in this error's data`,
    { data: message },
  );
}

/** How many bytes were written. */
export function copyInto(into: Bytes, offset: number | undefined, message: Buffer): number {
  const whole = view('recvBytesInto', into);
  const room = Math.max(0, whole.length - (offset ?? 0)); // it may have been transferred meanwhile
  if (message.length > room) {
    throw new BufferTooShortError(
      `expected a message that fits the ${room} bytes given, got one of ${message.length}; it is in this error's data`,
      { data: message },
    );
  }
  whole.set(message, offset ?? 0);
  return message.length;
}
