/** `forkful/compat/workerpool`: what workerpool 10 exports, over a pool of processes. */
import { Pool } from './pool';
import type { WorkerPoolOptions } from './types';

export { cpus, isMainThread, platform } from './environment';
export { TerminateError } from './errors';
export { Promise } from './promise';
export { Transfer } from './transfer';
export { worker, workerEmit } from './worker';
export type { Pool };
export type {
  ExecOptions,
  Proxy,
  Resolver,
  Task,
  TaskQueue,
  WorkerArg,
  WorkerPoolOptions,
  WorkerRegisterOptions,
} from './types';

/** Creates a pool; its workers start on demand. */
export function pool(script?: WorkerPoolOptions): Pool;
/** @param script absolute path of a module that calls {@link worker} */
export function pool(script?: string, options?: WorkerPoolOptions): Pool;
export function pool(script?: string | WorkerPoolOptions, options?: WorkerPoolOptions): Pool {
  return typeof script === 'string' ? new Pool(script, options) : new Pool(undefined, script);
}
