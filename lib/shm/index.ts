/** `forkful/shm`: what the primitives are made of, for those who measure shared memory. */
export { FutexWord, type WaitResult } from './futex-word';
export { Mapping, type Advice, type AdviceOptions, type MappingOptions } from './mapping';
export { Ring, type RingOptions } from './ring';
