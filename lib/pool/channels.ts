import { channel } from 'node:diagnostics_channel';

/** What tools can subscribe to, by node:diagnostics_channel. Costs nothing while nobody does. */
export const channels = {
  /** A worker takes tasks: `{ pool, id, pid }`. */
  workerStart: channel('forkful:pool:worker:start'),
  /** A worker has ended: `{ pool, id, pid, exitCode, signal }`. */
  workerExit: channel('forkful:pool:worker:exit'),
  /** A task was handed in: `{ pool, id, name, items }`. */
  taskSubmit: channel('forkful:pool:task:submit'),
  /** An item of a task has its outcome: `{ pool, id, name, item, ok, worker }`. */
  taskSettle: channel('forkful:pool:task:settle'),
} as const;
