import { backend } from '../backend';
import type { Decode, Duplex, Message, Share } from '../backend/backend';
import type { TargetReference } from '../function-ref';
import { registerHandleType, type HandleDescription, type Transferable } from '../handles';
import { HANDLE, Reader, Writer } from '../serializer';

/** What a pool and its workers say to each other. One message of each kind, told apart by the transport's tag. */
export const Kind = {
  /** To a worker: function id, reference. Precedes the first task that uses it. */
  Define: 1,
  /** To a worker: task id, function id, items to skip, whether items are argument lists, items. */
  Task: 2,
  /** From a worker: task id, item, whether it worked, value or error. Items of a task come in order. */
  Result: 3,
  /** From a worker: it takes tasks. */
  Ready: 4,
  /** From a worker: its initializer threw this. */
  InitializerFailed: 5,
  /** From a worker: a task, unchanged. Its function's definition was taken back while the task was being taken. */
  Returned: 6,
} as const;

/** Where a task's count of items to skip stands in its bytes. */
const SKIP_OFFSET = 8;

const writer = new Writer();
const reader = new Reader();

export function encodeDefine(id: number, reference: TargetReference): Buffer {
  writer.reset().u32(id).value(reference, 'target');
  return Buffer.from(writer.buffer.subarray(0, writer.length));
}

/**
 * The bytes are the writer's until the next call.
 * @throws SerializationError if an item cannot be sent
 */
export function encodeTask(id: number, fn: number, spread: boolean, items: readonly unknown[]): Writer {
  writer
    .reset()
    .u32(id)
    .u32(fn)
    .u32(0)
    .u8(spread ? 1 : 0)
    .u32(items.length);
  if (items.length === 1) return writer.value(items[0], spread ? 'args' : 'item');
  for (let i = 0; i < items.length; i++) writer.value(items[i], `items[${i}]`);
  return writer;
}

/** @param start where the task's message begins */
export function skipItems(bytes: Buffer, start: number, count: number): void {
  bytes.writeUInt32LE(count, start + SKIP_OFFSET);
}

export interface TaskMessage {
  readonly kind: 'task';
  readonly id: number;
  readonly fn: number;
  readonly skip: number;
  readonly spread: boolean;
  readonly items: readonly unknown[];
}

export type Order =
  TaskMessage | { readonly kind: 'define'; readonly id: number; readonly reference: TargetReference };

/** Read by a worker. */
export function decodeOrder({ tag, buffer, start, end }: Message): Order {
  reader.reset(buffer, start, end);
  if (tag === Kind.Define) {
    return { kind: 'define', id: reader.u32(), reference: reader.value() as TargetReference };
  }
  const id = reader.u32();
  const fn = reader.u32();
  const skip = reader.u32();
  const spread = reader.u8() === 1;
  const count = reader.u32();
  const items: unknown[] = [];
  for (let i = 0; i < count; i++) items.push(reader.value());
  return { kind: 'task', id, fn, skip, spread, items };
}

/** An order that the parent took back: its bytes are kept, its items stay encoded. */
export function decodeUnsent({ tag, buffer, start, end }: Message): {
  tag: number;
  id: number;
  data: Buffer;
} {
  const data = Buffer.from(buffer.subarray(start, end));
  return { tag, id: data.readUInt32LE(0), data };
}

/**
 * The bytes are the writer's until the next call.
 * @throws SerializationError if the value cannot be sent
 */
export function encodeResult(id: number, index: number, ok: boolean, value: unknown): Writer {
  return writer
    .reset()
    .u32(id)
    .u32(index)
    .u8(ok ? 1 : 0)
    .value(value, ok ? 'result' : 'error');
}

/** What the parent does with what its worker says. */
export interface ReportHandler {
  result(id: number, index: number, ok: boolean, value: unknown): void;
  ready(): void;
  initializerFailed(error: unknown): void;
  returned(id: number, data: Buffer): void;
}

export function decodeReportTo(handler: ReportHandler): Decode<undefined> {
  return ({ tag, buffer, start, end }) => {
    reader.reset(buffer, start, end);
    if (tag === Kind.Result) {
      const id = reader.u32();
      const index = reader.u32();
      const ok = reader.u8() === 1;
      handler.result(id, index, ok, reader.value());
    } else if (tag === Kind.Ready) {
      handler.ready();
    } else if (tag === Kind.Returned) {
      handler.returned(reader.u32(), Buffer.from(buffer.subarray(start, end)));
    } else {
      handler.initializerFailed(reader.value());
    }
    return undefined;
  };
}

export function encodeError(error: unknown): Writer {
  return writer.reset().value(error, 'error');
}

/** A worker's end of its link, on the way to the worker. */
export class WorkerLink implements Transferable {
  constructor(readonly share: Share) {}

  open<T>(decode: Decode<T>): Duplex<T> {
    return backend.openDuplex(this.share, decode);
  }

  [HANDLE](): HandleDescription {
    return { type: 'WorkerLink', share: this.share, details: {} };
  }
}

registerHandleType('WorkerLink', (share) => new WorkerLink(share));
