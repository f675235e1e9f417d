import type { Message } from './backend/backend';
import type { TargetReference } from './function-ref';
import { HandleCollector, HandleOpener, type HandleRecord } from './handles';
import { Reader, Writer } from './serializer';

/** All that crosses a process boundary beside users' values. Both sides are always of the same version. */

/** The first message to a child. */
export interface StartMessage {
  readonly name: string;
  readonly daemon: boolean;
  readonly detached: boolean;
  readonly parentPid: number;
  readonly parentName: string;
  /** A pool's worker: may have children although it is daemonic. */
  readonly worker: boolean;
  readonly target: TargetReference;
  readonly args: readonly unknown[];
}

/** What a child tells its parent. */
export type Report =
  { readonly kind: 'result'; readonly value: unknown } | { readonly kind: 'error'; readonly error: unknown };

/** A message and the rights that go with it. */
export interface Encoded {
  readonly data: Buffer;
  readonly length: number;
  readonly shares: HandleCollector['shares'];
}

/** Layout: offset of the handle table (u32), the message, the handle table. */
export function encodeStart(message: StartMessage): Encoded {
  const writer = new Writer();
  const handles = new HandleCollector();
  const { args, ...rest } = message;
  writer.u32(0).value(rest).value(args, 'args', handles);
  const table = writer.length;
  writer.value(handles.records);
  writer.buffer.writeUInt32LE(table, 0);
  return { data: writer.buffer, length: writer.length, shares: handles.shares };
}

/** @param receive waits for so many descriptors */
export function decodeStart(message: Message, receive: (count: number) => number[]): StartMessage {
  const reader = new Reader();
  const table = reader.reset(message.buffer, message.start, message.end).u32();
  const records = reader
    .reset(message.buffer, message.start + table, message.end)
    .value() as readonly HandleRecord[];
  let count = 0;
  for (const { descriptors } of records) count += descriptors;
  reader.reset(message.buffer, message.start + 4, message.start + table);
  const rest = reader.value() as Omit<StartMessage, 'args'>;
  const args = reader.value(
    new HandleOpener(records, count === 0 ? [] : receive(count)),
  ) as readonly unknown[];
  return { ...rest, args };
}

/** @throws SerializationError if the value cannot be sent */
export function encodeReport(report: Report): Writer {
  const writer = new Writer();
  return report.kind === 'result'
    ? writer.u8(0).value(report.value, 'result')
    : writer.u8(1).value(report.error, 'error');
}

export function decodeReport({ buffer, start, end }: Message): Report {
  const reader = new Reader().reset(buffer, start, end);
  return reader.u8() === 0
    ? { kind: 'result', value: reader.value() }
    : { kind: 'error', error: reader.value() };
}
