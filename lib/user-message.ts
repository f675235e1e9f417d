import { backend } from './backend';
import type { Message, Share } from './backend/backend';
import { LazyCollector, appendHandles, readHandles } from './handles';
import { Reader, Writer, sharedViewHandle } from './serializer';

/** How queues and pipes carry a value: a Buffer as its own bytes, all else by the serializer. */

const VALUE = 0;
/** The tag of a message that is its own bytes. */
export const BYTES = 1;
/** A value, and the handles in it. */
const WITH_HANDLES = 2;

/** The global is a getter: a call for each message. */
const BufferClass = Buffer;

const writer = new Writer();
const reader = new Reader();
const handles = new LazyCollector();

/** The one message that is being sent; valid until the next call. */
export const outgoing: {
  tag: number;
  data: Uint8Array;
  length: number;
  shares: readonly Share[] | undefined;
} = {
  tag: VALUE,
  data: writer.buffer,
  length: 0,
  shares: undefined,
};

/** @throws SerializationError if the value cannot be sent */
export function encodeMessage(value: unknown): typeof outgoing {
  outgoing.shares = undefined;
  if (BufferClass.isBuffer(value) && sharedViewHandle(value) === undefined) {
    outgoing.tag = BYTES;
    outgoing.data = value;
    outgoing.length = value.length;
    return outgoing;
  }
  handles.take(); // of a value that could not be sent
  writer.reset().value(value, 'value', handles);
  const found = handles.take();
  outgoing.tag = found === undefined ? VALUE : WITH_HANDLES;
  if (found !== undefined) outgoing.shares = appendHandles(writer, found);
  outgoing.data = writer.buffer;
  outgoing.length = writer.length;
  return outgoing;
}

export function decodeMessage<T>(message: Message): T {
  const { tag, buffer, start, end } = message;
  if (tag === BYTES) {
    message.keep();
    return buffer.subarray(start, end) as T;
  }
  if (tag === VALUE) return reader.reset(buffer, start, end).value() as T;
  const opener = readHandles(message, reader, backend);
  try {
    return reader.reset(buffer, start, opener.table).value(opener) as T;
  } finally {
    opener.close();
  }
}
