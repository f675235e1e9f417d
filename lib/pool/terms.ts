import { flag, integer, invalid, timeout } from '../options';
import type { Key } from './lanes';

/** What holds for the tasks of a call. Most calls share the terms of their pool. */
export interface Terms {
  /** Milliseconds from the start of a task. */
  readonly taskTimeout: number;
  /** Milliseconds from the request to stop until SIGTERM. */
  readonly killAfter: number;
  /** Runs after the first one. */
  readonly retries: number;
  /** The higher, the earlier. */
  readonly priority: number;
  /** Tasks with the same one go to the same worker. */
  readonly key: Key | undefined;
  /** No other task is in its worker meanwhile. */
  readonly exclusive: boolean;
}

const DEFAULTS: Terms = {
  taskTimeout: Infinity,
  killAfter: 1000,
  retries: 0,
  priority: 0,
  key: undefined,
  exclusive: false,
};

/** A task's message has one byte for the number of the run. */
const MOST_RETRIES = 254;

/** @param name what errors call an option, e.g. 'Pool option' */
export function termsFrom(
  name: string,
  given: Partial<Record<keyof Terms, unknown>>,
  defaults: Terms = DEFAULTS,
): Terms {
  const { taskTimeout, killAfter, retries, priority, key, exclusive } = given;
  const limit = (key: 'taskTimeout' | 'killAfter', value: unknown) =>
    value === undefined ? defaults[key] : timeout(`${name} "${key}"`, value);
  return {
    taskTimeout: limit('taskTimeout', taskTimeout),
    killAfter: limit('killAfter', killAfter),
    retries:
      retries === undefined ? defaults.retries : integer(`${name} "retries"`, retries, 0, MOST_RETRIES),
    priority: priority === undefined ? defaults.priority : integer(`${name} "priority"`, priority, -1e9, 1e9),
    key: key === undefined ? defaults.key : keyFrom(`${name} "key"`, key),
    exclusive: exclusive === undefined ? defaults.exclusive : flag(`${name} "exclusive"`, exclusive),
  };
}

function keyFrom(name: string, key: unknown): Key {
  if (typeof key === 'string' || typeof key === 'number') return key;
  throw invalid(name, 'a string or a number', key);
}
