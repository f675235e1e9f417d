import { inspect } from 'node:util';
import type { Preload, StartMethod } from './backend/backend';
import { InvalidArgumentError } from './errors';
import { preloadFrom, type ForkserverPreloadOptions } from './forkserver-preload';
import { record } from './options';
import { Pipe } from './pipe';
import type { PoolOptions } from './pool/options';
import { Pool } from './pool/pool';
import { PRELOAD, Process, type ProcessOptions } from './process';
import { JoinableQueue, Queue, SimpleQueue } from './queue';
import { SharedArray } from './shared/array';
import { ShareableList } from './shared/list';
import { SharedMemory } from './shared/memory';
import { Value } from './shared/value';
import { Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore } from './synchronize';
import { checkStartMethod, getStartMethod } from './start-method';

/** The library's primitives, bound to one start method. Its members are constructors like the package's own. */
export interface Context {
  /** The start method that its processes and pools use. */
  readonly method: StartMethod;
  /** Its processes start by {@link method}. */
  readonly Process: typeof Process;
  /** Its workers start by {@link method}. */
  readonly Pool: typeof Pool;
  /** The same as the package's. */
  readonly Queue: typeof Queue;
  /** The same as the package's. */
  readonly JoinableQueue: typeof JoinableQueue;
  /** The same as the package's. */
  readonly SimpleQueue: typeof SimpleQueue;
  /** The same as the package's. */
  readonly Pipe: typeof Pipe;
  /** The same as the package's. */
  readonly Lock: typeof Lock;
  /** The same as the package's. */
  readonly RLock: typeof RLock;
  /** The same as the package's. */
  readonly Semaphore: typeof Semaphore;
  /** The same as the package's. */
  readonly BoundedSemaphore: typeof BoundedSemaphore;
  /** The same as the package's. */
  readonly Event: typeof Event;
  /** The same as the package's. */
  readonly Condition: typeof Condition;
  /** The same as the package's. */
  readonly Barrier: typeof Barrier;
  /** The same as the package's. */
  readonly Value: typeof Value;
  /** The same as the package's. */
  readonly SharedArray: typeof SharedArray;
  /** The same as the package's. */
  readonly SharedMemory: typeof SharedMemory;
  /** The same as the package's. */
  readonly ShareableList: typeof ShareableList;
}

/** What the forkserver of a context of its own loads; for 'forkserver' only. */
export interface ContextOptions extends ForkserverPreloadOptions {
  /** Modules that a forkserver of the context's own loads, instead of the program's: as of `setForkserverPreload`. @default [] */
  readonly preload?: readonly (string | URL)[];
}

/**
 * A context for one start method.
 * @param method @default whatever the program uses
 * @param options for 'forkserver' alone: its processes and pools come from a forkserver of its own, with its own preload
 * @throws UnsupportedError if the method does not work here
 * @throws FunctionReferenceError if a module cannot be found
 */
export function getContext(method?: StartMethod, options?: ContextOptions): Context {
  const preload = options === undefined ? undefined : ownPreload(method, options);
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
    ...(preload !== undefined && { [PRELOAD]: preload }),
  };
  Object.defineProperty(context.Process, 'name', { value: 'Process' });
  Object.defineProperty(context.Pool, 'name', { value: 'Pool' });
  return context;
}

function ownPreload(method: StartMethod | undefined, options: ContextOptions): Preload {
  if (method !== 'forkserver') {
    throw new InvalidArgumentError(
      `getContext options are those of a forkserver's preload: give them with 'forkserver', not ${inspect(method)}`,
    );
  }
  const { preload = [], ...others } = record('getContext options', options, ['preload', 'warmup', 'onError']);
  return {
    ...preloadFrom('getContext', 'option "preload"', preload, others as ForkserverPreloadOptions),
    isOwn: true,
  };
}
