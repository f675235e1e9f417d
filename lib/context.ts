import type { StartMethod } from './backend/backend';
import { Pipe } from './pipe';
import { Pool, type PoolOptions } from './pool/pool';
import { Process, type ProcessOptions } from './process';
import { JoinableQueue, Queue, SimpleQueue } from './queue';
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
  };
  Object.defineProperty(context.Process, 'name', { value: 'Process' });
  Object.defineProperty(context.Pool, 'name', { value: 'Pool' });
  return context;
}
