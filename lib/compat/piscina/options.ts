import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { ResourceLimits, WorkerOptions } from 'node:worker_threads';
import type { PiscinaLoadBalancer } from './balancer';
import { FixedQueue, isTaskQueue, type TaskQueue } from './task-queue';

export interface Options {
  filename?: string | null;
  name?: string;
  minThreads?: number;
  maxThreads?: number;
  /** Milliseconds. */
  idleTimeout?: number;
  maxQueue?: number | 'auto';
  concurrentTasksPerWorker?: number;
  /** Of no effect: a worker waits as it does in every pool of this library. */
  atomics?: 'sync' | 'async' | 'disabled' | undefined;
  resourceLimits?: ResourceLimits;
  argv?: string[];
  execArgv?: string[];
  env?: WorkerOptions['env'];
  workerData?: any;
  taskQueue?: TaskQueue;
  niceIncrement?: number;
  /** Of no effect: the descriptors of a process end with it. */
  trackUnmanagedFds?: boolean;
  /** Milliseconds. */
  closeTimeout?: number;
  recordTiming?: boolean;
  stricterFIFO?: boolean;
  loadBalancer?: PiscinaLoadBalancer;
  workerHistogram?: boolean;
}

export interface FilledOptions extends Options {
  filename: string | null;
  name: string;
  minThreads: number;
  maxThreads: number;
  idleTimeout: number;
  maxQueue: number;
  concurrentTasksPerWorker: number;
  atomics: Options['atomics'];
  taskQueue: TaskQueue;
  niceIncrement: number;
  closeTimeout: number;
  recordTiming: boolean;
  stricterFIFO: boolean;
  workerHistogram: boolean;
}

const isText = (value: unknown) => typeof value === 'string';
const isFlag = (value: unknown) => typeof value === 'boolean';
const isNumber = (least: number) => (value: unknown) => typeof value === 'number' && value >= least;

/** In the order in which they are checked: what each must be, and whether null will do. */
const CHECKS: [name: keyof Options, isRight: (value: any) => boolean, expected: string, orNull?: true][] = [
  ['filename', isText, 'must be a string or null', true],
  ['name', isText, 'must be a string or null', true],
  ['minThreads', isNumber(0), 'must be a non-negative integer'],
  ['maxThreads', isNumber(1), 'must be a positive integer'],
  ['idleTimeout', isNumber(0), 'must be a non-negative integer'],
  ['maxQueue', (value) => value === 'auto' || isNumber(0)(value), 'must be a non-negative integer'],
  ['concurrentTasksPerWorker', isNumber(1), 'must be a positive integer'],
  [
    'atomics',
    (value) => ['sync', 'async', 'disabled'].includes(value),
    'should be a value of sync, sync or disabled.',
    true,
  ],
  ['resourceLimits', (value) => typeof value === 'object' && value !== null, 'must be an object'],
  ['taskQueue', isTaskQueue, 'must be a TaskQueue object'],
  [
    'niceIncrement',
    isNumber(process.platform === 'win32' ? -Infinity : 0),
    'must be a non-negative integer on Unix systems',
  ],
  ['trackUnmanagedFds', isFlag, 'must be a boolean value'],
  ['closeTimeout', isNumber(0), 'must be a non-negative integer'],
  [
    'loadBalancer',
    (value) => typeof value === 'function' && value.length >= 1,
    'must be a function with at least two args',
  ],
  ['workerHistogram', isFlag, 'must be a boolean'],
  ['stricterFIFO', isFlag, 'must be a boolean'],
];

/** @throws TypeError or RangeError, with the words of piscina */
export function checkOptions(options: Options): void {
  for (const [name, isRight, expected, orNull] of CHECKS) {
    const value: unknown = options[name];
    if (value === undefined || (orNull && value === null)) continue;
    if (!isRight(value)) throw new TypeError(`options.${name} ${expected}`);
    const { minThreads, maxThreads } = options;
    if (
      name === 'maxThreads' &&
      minThreads !== undefined &&
      maxThreads !== undefined &&
      minThreads > maxThreads
    )
      throw new RangeError('options.minThreads and options.maxThreads must not conflict');
  }
}

export function filled(given: Options): FilledOptions {
  const cpus = availableParallelism();
  // Without a prototype, which somebody may have changed.
  const options = Object.assign(Object.create(null) as object, {
    name: 'default',
    minThreads: Math.max(Math.floor(cpus / 2), 1),
    maxThreads: cpus * 1.5,
    idleTimeout: 0,
    concurrentTasksPerWorker: 1,
    atomics: 'sync' as const,
    taskQueue: new FixedQueue(),
    niceIncrement: 0,
    trackUnmanagedFds: true,
    closeTimeout: 30_000,
    recordTiming: true,
    stricterFIFO: false,
    workerHistogram: false,
    ...given,
    filename: given.filename ? pathOf(given.filename) : null,
    maxQueue: 0,
  });
  if (given.maxThreads !== undefined) options.minThreads = Math.min(options.minThreads, given.maxThreads);
  if (given.minThreads !== undefined) options.maxThreads = Math.max(options.maxThreads, given.minThreads);
  options.maxQueue = given.maxQueue === 'auto' ? options.maxThreads ** 2 : (given.maxQueue ?? Infinity);
  return options;
}

export function pathOf(filename: string): string {
  return filename.startsWith('file:') ? fileURLToPath(filename) : filename;
}
