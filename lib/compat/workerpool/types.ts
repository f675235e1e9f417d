import type { Promise } from './promise';

export interface WorkerArg {
  forkArgs?: string[] | undefined;
  forkOpts?: any;
  workerOpts?: WorkerOptions | undefined;
  workerThreadOpts?: any;
  script?: string | undefined;
}

/** Of a browser's worker: accepted, of no effect. */
export interface WorkerOptions {
  credentials?: 'include' | 'omit' | 'same-origin';
  name?: string;
  type?: 'classic' | 'module';
}

export interface Resolver {
  promise: Promise<any>;
  resolve: Function;
  reject: Function;
}

/** What a queue strategy handles. */
export interface Task<T = any> {
  method: string | Function;
  params?: any[] | undefined;
  resolver: Resolver;
  /** Milliseconds, to be counted from the start. */
  timeout: number | null;
  options?: ExecOptions<T> | undefined;
}

export interface TaskQueue<T = any> {
  push: (task: Task<T>) => void;
  pop: () => Task<T> | undefined;
  size: () => number;
  contains: (task: Task<T>) => boolean;
  clear: () => void;
}

export interface WorkerPoolOptions {
  /** Workers that are started at once, and replaced when they end. */
  minWorkers?: number | 'max' | undefined;
  /** Most workers. @default one less than there are CPUs */
  maxWorkers?: number | undefined;
  /** Tasks that may wait; beyond, `exec` throws. @default Infinity */
  maxQueueSize?: number | undefined;
  /** Workers are always processes; it tells which of the options below count: 'process' `forkOpts`, else `workerThreadOpts`. */
  workerType?: 'auto' | 'web' | 'process' | 'thread' | undefined;
  /** Which of the waiting tasks is next. @default 'fifo' */
  queueStrategy?: TaskQueue | 'fifo' | 'lifo' | undefined;
  script?: string | undefined;
  /** Milliseconds that a worker has to clean up before it is ended. @default 1000 */
  workerTerminateTimeout?: number | undefined;
  /** The worker's `process.argv.slice(2)`. */
  forkArgs?: string[] | undefined;
  /** As of `child_process.fork`. */
  forkOpts?: any;
  workerOpts?: WorkerOptions | undefined;
  /** As of `worker_threads.Worker`. */
  workerThreadOpts?: any;
  /** What workers print by `process.stdout` and `process.stderr` goes to the `on` of the task that runs. @default false */
  emitStdStreams?: boolean | undefined;
  /** Called before each worker; what it returns holds for this one. */
  onCreateWorker?: ((arg: WorkerArg) => WorkerArg | undefined) | undefined;
  /** Called when a worker has ended, with what it was created with. */
  onTerminateWorker?: ((arg: WorkerArg) => void) | undefined;
}

export interface ExecOptions<T = any> {
  /** Called with what the worker emits while it runs the task. */
  on?: ((payload: any) => unknown) | undefined;
  /** With workers of type 'thread' and 'auto' these are detached here; they are copied. */
  transfer?: object[] | undefined;
  /** For queue strategies. */
  metadata?: T | undefined;
}

export interface WorkerRegisterOptions {
  /** Called, in the worker, before it ends, unless it is busy, killed or crashes. */
  onTerminate?: ((code: number | undefined) => PromiseLike<void> | void) | undefined;
  /** Milliseconds that abort listeners have before the worker ends. @default 1000 */
  abortListenerTimeout?: number | undefined;
}

export type Proxy<T extends Record<string, (...args: any[]) => any>> = {
  [M in keyof T]: (...args: Parameters<T[M]>) => Promise<ReturnType<T[M]>>;
};
