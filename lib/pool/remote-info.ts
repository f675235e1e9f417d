/** Where an error of a task comes from. */
export interface RemoteInfo {
  /** The process of the worker. */
  readonly pid: number;
  /** The worker's number, as in its name PoolWorker-N. */
  readonly worker: number;
  /** Which item of the call. */
  readonly index: number;
  /** 1 for the first run. */
  readonly attempt: number;
}

const origins = new WeakMap<object, RemoteInfo>();

export function noteOrigin(error: unknown, info: RemoteInfo): void {
  if (typeof error === 'object' && error !== null) origins.set(error, info);
}

/** Where a task's error happened; undefined if it is not a task's error. */
export function remoteInfo(error: unknown): RemoteInfo | undefined {
  return typeof error === 'object' && error !== null ? origins.get(error) : undefined;
}
