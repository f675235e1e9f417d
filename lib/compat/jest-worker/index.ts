export { messageParent } from './child';
export { FifoQueue, PriorityQueue } from './queues';
export type {
  JestWorkerFarm,
  PromiseWithCustomMessage,
  TaskQueue,
  WorkerFarmOptions,
  WorkerPoolInterface,
  WorkerPoolOptions,
} from './types';
export { Worker } from './worker';
