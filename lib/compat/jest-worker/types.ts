// As jest-worker 30 declares them.
import type { ForkOptions } from 'node:child_process';
import type { ResourceLimits } from 'node:worker_threads';
import type { Worker } from './worker';

/* eslint-disable @typescript-eslint/consistent-type-definitions -- as there */

type CallRequest = [type: 1, isProcessed: boolean, methodName: string, args: unknown[]];
type ChildMessage =
  | [type: 0, isProcessed: boolean, fileName: string, setupArgs: unknown[], workerId: string | undefined]
  | CallRequest
  | [type: 2, isProcessed: boolean]
  | [type: 3]
  | [type: 4];
type OnCustomMessage = (message: unknown) => void;
type OnEnd = (error: Error | null, result: unknown) => void;
type OnStart = (worker: WorkerInterface) => void;

/** A call that waits in a queue. */
export type QueueChildMessage = {
  request: CallRequest;
  onStart: OnStart;
  onEnd: OnEnd;
  onCustomMessage: OnCustomMessage;
};

export interface TaskQueue {
  /** @param workerId who is to run it; undefined: whoever can */
  enqueue(task: QueueChildMessage, workerId?: number): void;
  /** What this worker is to run next. */
  dequeue(workerId: number): QueueChildMessage | null;
}

interface WorkerInterface {
  get state(): any;
  send(
    request: ChildMessage,
    onProcessStart: OnStart,
    onProcessEnd: OnEnd,
    onCustomMessage: OnCustomMessage,
  ): void;
  waitForExit(): Promise<void>;
  forceExit(): void;
  getWorkerId(): number;
  getStderr(): NodeJS.ReadableStream | null;
  getStdout(): NodeJS.ReadableStream | null;
  getWorkerSystemId(): number;
  getMemoryUsage(): Promise<number | null>;
  isWorkerRunning(): boolean;
  waitForWorkerReady(): Promise<void>;
}

export type PoolExitResult = { forceExited: boolean };

export type WorkerPoolOptions = {
  setupArgs: unknown[];
  forkOptions: ForkOptions;
  resourceLimits: ResourceLimits;
  maxRetries: number;
  numWorkers: number;
  enableWorkerThreads: boolean;
  idleMemoryLimit?: number;
  workerGracefulExitTimeout?: number;
};

export interface WorkerPoolInterface {
  getStderr(): NodeJS.ReadableStream;
  getStdout(): NodeJS.ReadableStream;
  getWorkers(): WorkerInterface[];
  createWorker(options: any): WorkerInterface;
  send: (
    workerId: number,
    request: ChildMessage,
    onStart: OnStart,
    onEnd: OnEnd,
    onCustomMessage: OnCustomMessage,
  ) => void;
  start(): Promise<void>;
  end(): Promise<PoolExitResult>;
}

export type WorkerFarmOptions = {
  computeWorkerKey?: (method: string, ...args: unknown[]) => string | null;
  enableWorkerThreads?: boolean;
  exposedMethods?: readonly string[];
  forkOptions?: ForkOptions;
  maxRetries?: number;
  numWorkers?: number;
  resourceLimits?: ResourceLimits;
  setupArgs?: unknown[];
  taskQueue?: TaskQueue;
  WorkerPool?: new (workerPath: string, options?: WorkerPoolOptions) => WorkerPoolInterface;
  workerSchedulingPolicy?: 'round-robin' | 'in-order';
  idleMemoryLimit?: number;
  workerGracefulExitTimeout?: number;
};

export interface PromiseWithCustomMessage<T> extends Promise<T> {
  UNSTABLE_onCustomMessage?: (listener: OnCustomMessage) => () => void;
}

type FunctionLike = (...args: any) => unknown;
type ReservedKeys = 'end' | 'getStderr' | 'getStdout' | 'setup' | 'teardown';
type MethodLikeKeys<T> = { [K in keyof T]: T[K] extends FunctionLike ? K : never }[keyof T];
type Promisify<T extends FunctionLike> =
  ReturnType<T> extends Promise<infer R>
    ? (...args: Parameters<T>) => Promise<R>
    : (...args: Parameters<T>) => Promise<ReturnType<T>>;

export type JestWorkerFarm<T extends Record<string, unknown>> = Worker & {
  [K in keyof T as Extract<Exclude<K, ReservedKeys>, MethodLikeKeys<T>>]: T[K] extends FunctionLike
    ? Promisify<T[K]>
    : never;
};
