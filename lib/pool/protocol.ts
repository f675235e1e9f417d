import { backend } from '../backend';
import type { Decode, Duplex, Message, Share } from '../backend/backend';
import type { TargetReference } from '../function-ref';
import {
  LazyCollector,
  appendHandles,
  readHandles,
  registerHandleType,
  type HandleDescription,
  type HandleOpener,
  type Transferable,
} from '../handles';
import { HANDLE, Reader, Writer } from '../serializer';

/** What a pool and its workers say to each other. One message of each kind, told apart by the transport's tag. */
export const Kind = {
  /** To a worker: function id, reference. Precedes the first task that uses it. */
  Define: 1,
  /** To a worker: task id, function id, items to skip, flags, run of the first item, items. */
  Task: 2,
  /** From a worker: task id, item, whether it worked, ms that it ran, value or error. Items of a task come in order. */
  Result: 3,
  /** From a worker: it takes tasks. */
  Ready: 4,
  /** From a worker: its initializer threw this. */
  InitializerFailed: 5,
  /** From a worker: a task, unchanged. Its function's definition was taken back while the task was being taken. */
  Returned: 6,
  /** From a worker: a task that wants it told is started. */
  Started: 7,
  /** From a worker: its initializer is called. */
  Initializing: 8,
  /** From a worker: task id, a value that the task yields. */
  Yield: 9,
  /** From a worker: it takes no more tasks, and ends when it has finished what it runs. */
  Retiring: 10,
  /** From a worker: task id, what the task says of its progress. */
  Progress: 11,
} as const;

/** What a task's message says in a bit. */
export const Flag = {
  /** Items are argument lists. */
  Spread: 1,
  /** The pool wants to know when it is started. */
  TellStart: 2,
  /** The function gives an iterable, whose values are sent as they come. */
  Stream: 4,
} as const;

/** Where the parts of a task's message stand that change when it is sent again. */
const SKIP_OFFSET = 8;
const ATTEMPT_OFFSET = 13;

/** In the tag of a message that has handles in it. */
const WITH_HANDLES = 0x100;
/**
 * In the tag of a message that begins with the bytes of a large Buffer, so that they lie well where they are received;
 * their number is its last word.
 */
const WITH_LEAD = 0x200;
const KIND = 0xff;
const LEAD_LENGTH_BYTES = 4;

const writer = new Writer();
const reader = new Reader();
const handles = new LazyCollector();

/** A task or a result that is being sent. */
export interface Encoded {
  tag: number;
  buffer: Buffer;
  length: number;
  shares: readonly Share[] | undefined;
  /** The first bytes of the message, if they are not in `buffer`. */
  lead: Buffer | undefined;
}

const outgoing: Encoded = { tag: 0, buffer: writer.buffer, length: 0, shares: undefined, lead: undefined };

/** What is in the writer, and the handles that were found in it. */
function encoded(kind: number): Encoded {
  const found = handles.take();
  outgoing.shares = found === undefined ? undefined : appendHandles(writer, found);
  outgoing.tag = found === undefined ? kind : kind | WITH_HANDLES;
  const { apart } = writer;
  if (apart !== undefined) {
    outgoing.tag |= WITH_LEAD;
    writer.u32(apart.length);
  }
  outgoing.buffer = writer.buffer;
  outgoing.length = writer.length;
  outgoing.lead = apart;
  if (apart !== undefined && found !== undefined) {
    outgoing.buffer = joined(apart, writer.buffer, writer.length);
    outgoing.length = outgoing.buffer.length;
    outgoing.lead = undefined;
  }
  return outgoing;
}

/** A message in one piece. */
export function joined(lead: Buffer, rest: Buffer, length: number): Buffer {
  const whole = Buffer.allocUnsafeSlow(lead.length + length);
  whole.set(lead);
  whole.set(rest.subarray(0, length), lead.length);
  return whole;
}

/** Where what was written begins. */
function headOf(tag: number, buffer: Buffer, start: number, end: number): number {
  if ((tag & WITH_LEAD) === 0) return start;
  const last = Math.max(start, end - LEAD_LENGTH_BYTES);
  return Math.min(last, start + reader.reset(buffer, last, end).u32());
}

/** Calls `read` with the reader at the message's begin, and with its handles. */
function decoded<T>(message: Message, read: (kind: number, opener: HandleOpener | undefined) => T): T {
  const { tag, buffer, start } = message;
  let { end } = message;
  let head = start;
  let apart: Buffer | undefined;
  if ((tag & WITH_LEAD) !== 0) {
    head = headOf(tag, buffer, start, end);
    end -= LEAD_LENGTH_BYTES;
    const lead = buffer.subarray(start, head);
    apart = message.isAlone === true ? lead : Buffer.from(lead);
  }
  if ((tag & WITH_HANDLES) === 0) {
    reader.reset(buffer, head, end, apart);
    return read(tag & KIND, undefined);
  }
  const { descriptors } = message;
  const opener = readHandles({ buffer, start: head, end, descriptors }, reader, backend);
  try {
    reader.reset(buffer, head, opener.table, apart);
    return read(tag & KIND, opener);
  } finally {
    opener.close();
  }
}

export function encodeDefine(id: number, reference: TargetReference): Buffer {
  writer.reset().u32(id).value(reference, 'target');
  return Buffer.from(writer.buffer.subarray(0, writer.length));
}

/**
 * Valid until the next call.
 * @throws SerializationError if an item cannot be sent
 */
export function encodeTask(id: number, fn: number, flags: number, items: readonly unknown[]): Encoded {
  return encodeItems(writer.reset().mayLeaveApart(), id, fn, flags, items);
}

function encodeItems(
  into: Writer,
  id: number,
  fn: number,
  flags: number,
  items: readonly unknown[],
): Encoded {
  handles.take(); // of what could not be sent
  into.u32(id).u32(fn).u32(0).u8(flags).u8(1).u32(items.length);
  if (items.length === 1) into.value(items[0], flags & Flag.Spread ? 'args' : 'item', handles);
  else for (let i = 0; i < items.length; i++) into.value(items[i], `items[${i}]`, handles);
  return encoded(Kind.Task);
}

/** A task's message. */
interface Kept {
  readonly tag: number;
  readonly slab: Buffer;
  readonly start: number;
  readonly length: number;
}

/**
 * Where the task goes on when it is sent again.
 * @param attempt which run of the first item it is
 */
export function goOnFrom({ tag, slab, start, length }: Kept, item: number, attempt: number): void {
  const head = headOf(tag, slab, start, start + length);
  slab.writeUInt32LE(item, head + SKIP_OFFSET);
  slab[head + ATTEMPT_OFFSET] = attempt;
}

export interface TaskMessage {
  readonly kind: 'task';
  readonly id: number;
  readonly fn: number;
  readonly skip: number;
  readonly flags: number;
  /** Which run of the item `skip` this is. */
  readonly attempt: number;
  /** Whether there are handles among the items. Who gives the task back need not send them: its pool has them. */
  readonly hasHandles: boolean;
  readonly items: readonly unknown[];
}

export type Order =
  TaskMessage | { readonly kind: 'define'; readonly id: number; readonly reference: TargetReference };

/** Read by a worker. */
export function decodeOrder(message: Message): Order {
  return decoded(message, readOrder);
}

function readOrder(kind: number, opener: HandleOpener | undefined): Order {
  if (kind === Kind.Define) {
    return { kind: 'define', id: reader.u32(), reference: reader.value() as TargetReference };
  }
  const id = reader.u32();
  const fn = reader.u32();
  const skip = reader.u32();
  const flags = reader.u8();
  const attempt = reader.u8();
  const count = reader.u32();
  const items: unknown[] = [];
  for (let i = 0; i < count; i++) items.push(reader.value(opener));
  return { kind: 'task', id, fn, skip, flags, attempt, hasHandles: opener !== undefined, items };
}

/** An order that the parent took back: its bytes are kept, its items stay encoded. */
export function decodeUnsent({ tag, buffer, start, end }: Message): {
  tag: number;
  id: number;
  data: Buffer;
} {
  const id = buffer.readUInt32LE(headOf(tag, buffer, start, end));
  return { tag, id, data: Buffer.from(buffer.subarray(start, end)) };
}

/**
 * Valid until the next call.
 * @throws SerializationError if the value cannot be sent
 */
export function encodeResult(id: number, index: number, ok: boolean, ran: number, value: unknown): Encoded {
  handles.take();
  writer
    .reset()
    .mayLeaveApart()
    .u32(id)
    .u32(index)
    .u8(ok ? 1 : 0)
    .f64(ran);
  if (ok) writer.value(value, 'result', handles);
  else writer.value(value, 'error');
  return encoded(Kind.Result);
}

/** What the parent does with what its worker says. */
export interface ReportHandler {
  result(id: number, index: number, ok: boolean, ran: number, value: unknown, bytes: number): void;
  started(id: number): void;
  yielded(id: number, value: unknown): void;
  ready(): void;
  initializing(): void;
  retiring(): void;
  said(id: number, value: unknown): void;
  initializerFailed(error: unknown): void;
  returned(id: number, data: Buffer): void;
}

export function decodeReportTo(handler: ReportHandler): Decode<undefined> {
  return (message) => {
    const { tag, buffer, start, end } = message;
    const kind = tag & KIND;
    if (kind === Kind.Result) {
      const { id, index, ok, ran, value } = decoded(message, readResult);
      handler.result(id, index, ok, ran, value, end - start);
      return undefined;
    }
    if (kind === Kind.Yield) {
      const { id, value } = decoded(message, readYield);
      handler.yielded(id, value);
      return undefined;
    }
    reader.reset(buffer, start, end);
    if (tag === Kind.Ready) {
      handler.ready();
    } else if (tag === Kind.Started) {
      handler.started(reader.u32());
    } else if (tag === Kind.Progress) {
      handler.said(reader.u32(), reader.value());
    } else if (tag === Kind.Retiring) {
      handler.retiring();
    } else if (tag === Kind.Initializing) {
      handler.initializing();
    } else if (tag === Kind.Returned) {
      handler.returned(reader.u32(), Buffer.from(buffer.subarray(start, end)));
    } else {
      handler.initializerFailed(reader.value());
    }
    return undefined;
  };
}

function readResult(_kind: number, opener: HandleOpener | undefined) {
  const id = reader.u32();
  const index = reader.u32();
  const ok = reader.u8() === 1;
  const ran = reader.f64();
  return { id, index, ok, ran, value: reader.value(opener) };
}

function readYield(_kind: number, opener: HandleOpener | undefined) {
  return { id: reader.u32(), value: reader.value(opener) };
}

/** A task that goes back: what its pool does not have. */
export function encodeReturned(
  { id, fn, flags, attempt, hasHandles, items }: TaskMessage,
  next: number,
): Writer {
  if (hasHandles) return writer.reset().u32(id);
  encodeItems(writer.reset(), id, fn, flags, items);
  goOnFrom({ tag: Kind.Task, slab: writer.buffer, start: 0, length: writer.length }, next, attempt);
  return writer;
}

/**
 * Valid until the next call.
 * @throws SerializationError if the value cannot be sent
 */
export function encodeYield(id: number, value: unknown): Encoded {
  handles.take();
  writer.reset().u32(id).value(value, 'yielded value', handles);
  return encoded(Kind.Yield);
}

/**
 * The bytes are the writer's until the next call.
 * @throws SerializationError if the value cannot be sent
 */
export function encodeProgress(id: number, value: unknown): Writer {
  return writer.reset().u32(id).value(value, 'progress value');
}

export function encodeStarted(id: number): Writer {
  return writer.reset().u32(id);
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
