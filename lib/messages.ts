import { backend } from './backend';
import type { Message, Share } from './backend/backend';
import type { TargetReference } from './function-ref';
import {
  HandleCollector,
  HandleOpener,
  LazyCollector,
  appendHandles,
  readHandles,
  type HandleRecord,
} from './handles';
import { Reader, Writer } from './serializer';

/** All that crosses a process boundary beside users' values. Both sides are always of the same version. */

/** The first message to a child. */
export interface StartMessage {
  readonly name: string;
  readonly daemon: boolean;
  /** Precedes each line that the child prints. */
  readonly linePrefix: string | undefined;
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

/** The first byte of a report. */
const Outcome = { Result: 0, Error: 1, ResultWithHandles: 2 } as const;

/** @throws SerializationError if the value cannot be sent */
export function encodeReport(report: Report): {
  readonly data: Buffer;
  readonly length: number;
  readonly shares: readonly Share[] | undefined;
} {
  const writer = new Writer();
  let shares: readonly Share[] | undefined;
  if (report.kind === 'error') {
    writer.u8(Outcome.Error).value(report.error, 'error');
  } else {
    const handles = new LazyCollector();
    writer.u8(Outcome.Result).value(report.value, 'result', handles);
    const found = handles.take();
    if (found !== undefined) {
      shares = appendHandles(writer, found);
      writer.buffer[0] = Outcome.ResultWithHandles;
    }
  }
  return { data: writer.buffer, length: writer.length, shares };
}

export function decodeReport(message: Message): Report {
  const { buffer, start, end } = message;
  const reader = new Reader().reset(buffer, start, end);
  switch (reader.u8()) {
    case Outcome.Result:
      return { kind: 'result', value: reader.value() };
    case Outcome.Error:
      return { kind: 'error', error: reader.value() };
    default: {
      const opener = readHandles(message, reader, backend);
      try {
        return { kind: 'result', value: reader.reset(buffer, start + 1, opener.table).value(opener) };
      } finally {
        opener.close();
      }
    }
  }
}
