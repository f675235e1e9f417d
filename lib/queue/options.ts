import { flag, integer, record, timeout } from '../options';
import { sharedName } from '../shared-name';

/** The bounds of a queue, its name, and its end. */
export interface QueueOptions {
  /** Most messages at a time; 0: no bound. @default 0 */
  readonly maxsize?: number;
  /** Most bytes at a time, headers included; 0: no bound. A larger message passes when the queue is empty. @default 0 */
  readonly capacity?: number;
  /**
   * How long (ms) `process.exit()` waits for room for puts that still wait for it. The natural end of a process waits as
   * long as it takes. @default 1000
   */
  readonly flushTimeout?: number;
  /**
   * For unrelated programs of this user: they all have the same queue of this name, with the bounds of who made it. It
   * goes with its last user. Queues, locks and shared memory do not pass through it. Native backend only.
   */
  readonly name?: string | undefined;
  /** Whether a queue of that name must not be there yet. @default false */
  readonly exclusive?: boolean;
}

/** The same, checked. */
export interface QueueSettings extends Required<Omit<QueueOptions, 'name'>> {
  readonly name: string | undefined;
}

const FLUSH_TIMEOUT = 1000;

export function queueSettings(options: number | QueueOptions): QueueSettings {
  const given =
    typeof options === 'number'
      ? { maxsize: options }
      : record('Queue options', options, ['maxsize', 'capacity', 'flushTimeout', 'name', 'exclusive']);
  return {
    // As in Python, what is not positive means no bound.
    maxsize:
      given.maxsize === undefined
        ? 0
        : Math.max(0, integer('Queue option "maxsize"', given.maxsize, -(2 ** 31), 2 ** 31 - 1)),
    capacity:
      given.capacity === undefined ? 0 : integer('Queue option "capacity"', given.capacity, 0, 2 ** 32),
    flushTimeout:
      given.flushTimeout === undefined
        ? FLUSH_TIMEOUT
        : timeout('Queue option "flushTimeout"', given.flushTimeout),
    name: given.name === undefined ? undefined : sharedName('Queue option "name"', given.name),
    exclusive: given.exclusive === undefined ? false : flag('Queue option "exclusive"', given.exclusive),
  };
}

/** For people. */
export function describeBounds({ maxsize, capacity }: QueueSettings): string {
  return `maxsize ${maxsize || 'none'}, capacity ${capacity ? `${capacity} bytes` : 'none'}`;
}
