import { Queue } from 'forkful';
import { Pool } from 'forkful/compat/multiprocessing';
import { Piscina } from 'forkful/compat/piscina';
import { Ring } from 'forkful/shm';

// A subpath whose types are not found is an error; one that is found as `any` would let this pass.
// @ts-expect-error: a name that no door has
export type { NoSuchName } from 'forkful/shm';

export const doors = [Queue, Pool, Piscina, Ring];
