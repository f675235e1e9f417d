export { JoinableQueue } from './joinable-queue';
export type { QueueOptions } from './options';
export { Queue } from './queue';
export { SimpleQueue } from './simple-queue';
