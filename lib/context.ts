import type { StartMethod } from './backend/backend';
import { Pipe } from './pipe';
import type { PoolOptions } from './pool/options';
import { Pool } from './pool/pool';
import { Process, type ProcessOptions } from './process';
import { JoinableQueue, Queue, SimpleQueue } from './queue';
import { SharedArray } from './shared/array';
import { ShareableList } from './shared/list';
import { SharedMemory } from './shared/memory';
import { Value } from './shared/value';
import { Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore } from './synchronize';
import { checkStartMethod, getStartMethod } from './start-method';

/** The library's primitives, bound to one start method. Its members are constructors like the package's own. */
export interface Context {
  readonly method: StartMethod;
  readonly Process: typeof Process;
  readonly Pool: typeof Pool;
  readonly Queue: typeof Queue;
  readonly JoinableQueue: typeof JoinableQueue;
  readonly SimpleQueue: typeof SimpleQueue;
  readonly Pipe: typeof Pipe;
  readonly Lock: typeof Lock;
  readonly RLock: typeof RLock;
  readonly Semaphore: typeof Semaphore;
  readonly BoundedSemaphore: typeof BoundedSemaphore;
  readonly Event: typeof Event;
  readonly Condition: typeof Condition;
  readonly Barrier: typeof Barrier;
  readonly Value: typeof Value;
  readonly SharedArray: typeof SharedArray;
  readonly SharedMemory: typeof SharedMemory;
  readonly ShareableList: typeof ShareableList;
}

/**
 * A context for one start method.
 * @param method @default whatever the program uses
 * @throws UnsupportedError if the method does not work here
 */
export function getContext(method?: StartMethod): Context {
  const bound = () => (method === undefined ? {} : { context });
  const context: Context = {
    method: method === undefined ? getStartMethod() : checkStartMethod(method),
    Process: class<R, A extends unknown[]> extends Process<R, A> {
      constructor(options: ProcessOptions<A, R> = {}) {
        super({ ...bound(), ...options });
      }
    },
    Pool: class extends Pool {
      constructor(options?: number | PoolOptions) {
        super({ ...bound(), ...(typeof options === 'number' ? { processes: options } : options) });
      }
    },
    Queue,
    JoinableQueue,
    SimpleQueue,
    Pipe,
    Lock,
    RLock,
    Semaphore,
    BoundedSemaphore,
    Event,
    Condition,
    Barrier,
    Value,
    SharedArray,
    SharedMemory,
    ShareableList,
  };
  Object.defineProperty(context.Process, 'name', { value: 'Process' });
  Object.defineProperty(context.Pool, 'name', { value: 'Pool' });
  return context;
}
