import { whenForked } from '../forked';
import type { PoolStats } from '../pool/stats';
import type { ObservedPool } from './answer';
import { openSocket } from './server';

/** The variable that forbids it: `0` means that programs have no socket. */
const VARIABLE = 'FORKFUL_TOP';

interface Observed {
  stats(): PoolStats;
}

/** This thread's pools. Weakly: one that is dropped is collected as if nobody could ask about it. */
const pools = new Map<number, WeakRef<Observed>>();
let nextId = 1;
/** There while there are pools. */
let socket: ReturnType<typeof openSocket>;
let isComing = false;

/**
 * Lets `forkful top` see a pool. Opens a socket soon, when the event loop comes round, that neither keeps the program
 * alive nor does anything until somebody connects. Returns what ends it, which does not refer to the pool.
 */
export function observe(pool: Observed): () => void {
  const id = nextId++;
  pools.set(id, new WeakRef(pool));
  if (socket === undefined && !isComing && isAllowed()) {
    isComing = true;
    setImmediate(open).unref();
  }
  return () => {
    pools.delete(id);
    if (pools.size > 0) return;
    socket?.close();
    socket = undefined;
  };
}

/** Windows has neither sockets with modes nor folders with these. */
function isAllowed(): boolean {
  return process.platform !== 'win32' && process.env[VARIABLE] !== '0';
}

function open(): void {
  isComing = false;
  if (pools.size === 0) return;
  socket = openSocket(observedPools);
}

// A forked child has copies of the parent's pools and of the handle of its socket, whose descriptor leads nowhere there.
whenForked(() => {
  pools.clear();
  socket?.abandon();
  socket = undefined;
  isComing = false;
});

function observedPools(): ObservedPool[] {
  return [...pools].flatMap(([id, pool]) => {
    const stats = pool.deref()?.stats();
    return stats === undefined ? [] : [{ id, ...stats }];
  });
}
