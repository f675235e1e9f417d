import type { Message } from './backend/backend';
import { Reader, Writer, sharedViewHandle } from './serializer';

/** How queues and pipes carry a value: a Buffer as its own bytes, all else by the serializer. */

const VALUE = 0;
/** The tag of a message that is its own bytes. */
export const BYTES = 1;

const writer = new Writer();
const reader = new Reader();

/** The one message that is being sent; valid until the next call. */
export const outgoing: { tag: number; data: Uint8Array; length: number } = {
  tag: VALUE,
  data: writer.buffer,
  length: 0,
};

/** @throws SerializationError if the value cannot be sent */
export function encodeMessage(value: unknown): typeof outgoing {
  if (Buffer.isBuffer(value) && sharedViewHandle(value) === undefined) {
    outgoing.tag = BYTES;
    outgoing.data = value;
    outgoing.length = value.length;
  } else {
    writer.reset().value(value);
    outgoing.tag = VALUE;
    outgoing.data = writer.buffer;
    outgoing.length = writer.length;
  }
  return outgoing;
}

export function decodeMessage<T>(message: Message): T {
  if (message.tag === BYTES) {
    message.keep();
    return message.buffer.subarray(message.start, message.end) as T;
  }
  return reader.reset(message.buffer, message.start, message.end).value() as T;
}
