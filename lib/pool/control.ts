import type { Message } from '../backend/backend';
import { Reader, Writer } from '../serializer';

/** What a pool says to a worker past the tasks that lie on its ring: read between tasks, and by tasks that run. */
export const ControlKind = {
  /** Task id, item or {@link WHOLE}, reason. */
  Stop: 1,
  /** Task id, how many more values it may yield. */
  Grant: 2,
} as const;

/** Instead of an item: the task with all that is left of it. */
const WHOLE = 0xffffffff;

export type Control =
  | {
      readonly kind: 'stop';
      readonly task: number;
      /** undefined: the whole task. */
      readonly item: number | undefined;
      readonly reason: unknown;
    }
  | { readonly kind: 'grant'; readonly task: number; readonly count: number };

// Not the writer and reader of tasks: a task may look in while another value is being read or written.
const writer = new Writer();
const reader = new Reader();

/** The bytes are the writer's until the next call. A reason that cannot be sent arrives as undefined. */
export function encodeStop(task: number, item: number | undefined, reason: unknown): Writer {
  const header = () =>
    writer
      .reset()
      .u32(task)
      .u32(item ?? WHOLE);
  try {
    return header().value(reason, 'reason');
  } catch {
    return header().value(undefined);
  }
}

/** The bytes are the writer's until the next call. */
export function encodeGrant(task: number, count: number): Writer {
  return writer.reset().u32(task).u32(count);
}

export function decodeControl({ tag, buffer, start, end }: Message): Control {
  reader.reset(buffer, start, end);
  const task = reader.u32();
  const number = reader.u32();
  if (tag === ControlKind.Grant) return { kind: 'grant', task, count: number };
  return { kind: 'stop', task, item: number === WHOLE ? undefined : number, reason: reader.value() };
}
