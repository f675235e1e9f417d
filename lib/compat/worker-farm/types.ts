// As worker-farm 1.7 declares them, with the two options that only its documentation has.
import type { ForkOptions } from 'node:child_process';
import type { FarmChild } from './farm-child';

type WorkerCallback0 = () => void;
type WorkerCallback1 = (arg1: any) => void;
type WorkerCallback2 = (arg1: any, arg2: any) => void;
type WorkerCallback3 = (arg1: any, arg2: any, arg3: any) => void;
type WorkerCallback4 = (arg1: any, arg2: any, arg3: any, arg4: any) => void;

export type WorkerCallback =
  WorkerCallback0 | WorkerCallback1 | WorkerCallback2 | WorkerCallback3 | WorkerCallback4;

export interface Workers {
  [x: string]: Workers;
  (callback: WorkerCallback): void;
  (arg1: any, callback: WorkerCallback): void;
  (arg1: any, arg2: any, callback: WorkerCallback): void;
  (arg1: any, arg2: any, arg3: any, callback: WorkerCallback): void;
  (arg1: any, arg2: any, arg3: any, arg4: any, callback: WorkerCallback): void;
}

export interface FarmOptions {
  /** Calls after which a worker is replaced. @default Infinity */
  maxCallsPerWorker?: number;
  /** @default the number of CPUs */
  maxConcurrentWorkers?: number;
  /** @default 10 */
  maxConcurrentCallsPerWorker?: number;
  /** Beyond that, calls give a MaxConcurrentCallsError. @default Infinity */
  maxConcurrentCalls?: number;
  /** Milliseconds. @default Infinity */
  maxCallTime?: number;
  /** How many times a call is run again whose worker was lost. At most 254. @default 0, where worker-farm has Infinity */
  maxRetries?: number;
  /** @default false */
  autoStart?: boolean;
  workerOptions?: ForkOptions;
  /** Milliseconds that a call which has timed out has before its worker is ended. @default 100 */
  forcedKillTime?: number;
  /** Hears of each worker: what there is of a child process. */
  onChild?: (child: FarmChild) => void;
}
