import type { StartMethod } from '../../backend/backend';
import { getContext } from '../../context';
import { cpuCount } from '../../cpu-count';
import { UnsupportedError } from '../../errors';
import { setForkserverPreload } from '../../forkserver-preload';
import { getAllStartMethods, getStartMethod, setStartMethod } from '../../start-method';
import { Pipe } from './connection';
import { isGiven } from './keywords';
import { Pool, type PoolKeywords } from './pool';
import { active_children, current_process, parent_process, Process, type ProcessKeywords } from './process';
import { JoinableQueue, Queue, SimpleQueue } from './queue';
import { RawArray, RawValue, SharedArrayOf, Value } from './sharedctypes';
import { Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore } from './synchronize';

export function cpu_count(): number {
  return cpuCount();
}

/** The start methods with which a program can block, the default one first. */
export function get_all_start_methods(): StartMethod[] {
  return getAllStartMethods().filter((method) => method !== 'fork');
}

/** The one in use; asking fixes it. */
export function get_start_method(): StartMethod {
  return getStartMethod();
}

/** @throws UnsupportedError for 'fork', or what does not work here; InvalidStateError if one is in use already */
export function set_start_method(method: StartMethod, force = false): void {
  setStartMethod(mustBlock(method), { force });
}

/** See `setForkserverPreload`. */
export function set_forkserver_preload(module_names: readonly (string | URL)[]): void {
  setForkserverPreload(module_names);
}

/** Nothing to do: for programs that call it. */
export function freeze_support(): void {
  // A child knows by itself what it is.
}

/** @throws UnsupportedError always */
export function Manager(): never {
  throw new UnsupportedError(
    'multiprocessing.Manager is not offered: expected a Queue, a Value, an Array or a ShareableList, which all processes ' +
      'share without a server between them; for other objects, let one process own them and answer over a Pipe or Queue',
  );
}

function mustBlock(method: StartMethod): StartMethod {
  if (method !== 'fork') return method;
  throw new UnsupportedError(
    "by 'fork' a process is started when the event loop comes round, which a program that blocks does not let happen; " +
      "expected 'forkserver' or 'spawn', or use the asynchronous API of 'forkful'",
  );
}

const shared = {
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
  Array: SharedArrayOf,
  RawValue,
  RawArray,
  Manager,
  active_children,
  current_process,
  parent_process,
  cpu_count,
  freeze_support,
  set_forkserver_preload,
};

/** Python's names, bound to one start method. */
export interface Context extends Readonly<typeof shared> {
  readonly Process: typeof Process;
  readonly Pool: typeof Pool;
  get_start_method(): StartMethod;
}

/** @param method null: the program's */
export function get_context(method?: StartMethod | null): Context {
  const context = !isGiven(method) ? undefined : getContext(mustBlock(method));
  const bound = context === undefined ? {} : { context };
  return {
    ...shared,
    Process: class extends Process {
      constructor(keywords: ProcessKeywords = {}) {
        super({ ...bound, ...keywords });
      }
    },
    Pool: class extends Pool {
      constructor(...args: [(PoolKeywords | number | null)?, ...unknown[]]) {
        const [first, initializer, initargs, maxtasksperchild] = args;
        const keywords =
          typeof first === 'object' && first !== null
            ? first
            : { processes: first, initializer, initargs, maxtasksperchild };
        super({ ...bound, ...keywords } as PoolKeywords);
      }
    },
    get_start_method: () => context?.method ?? getStartMethod(),
  };
}
