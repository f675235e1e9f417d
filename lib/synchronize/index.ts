export { Barrier, type BarrierOptions } from './barrier';
export { Condition } from './condition';
export { Event } from './event';
export { Lock } from './lock';
export type { LockOptions } from './opened';
export { RLock } from './rlock';
export { BoundedSemaphore, Semaphore } from './semaphore';
