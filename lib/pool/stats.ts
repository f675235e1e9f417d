import { readFileSync } from 'node:fs';
import type { TimeStats } from './task-times';

/** What a worker does. */
export interface WorkerStats {
  /** The N of its name, PoolWorker-N. */
  readonly id: number;
  /** 0 until there is a process. */
  readonly pid: number;
  /** 'leaving': it takes no more tasks and is about to end. */
  readonly state: 'starting' | 'idle' | 'busy' | 'leaving';
  /** What it runs, as errors name it; with `concurrency` there may be several. */
  readonly running: readonly string[];
  /** Milliseconds since it began the oldest of these, or last told something. */
  readonly runningFor: number;
  /** Outcomes that it has told. */
  readonly tasks: number;
  /** How long its tasks ran, measured in the worker; of a chunk each item. What was lost or given up is not in it. */
  readonly runTime: TimeStats;
  /** How long they had waited, from the call until they ran: in the pool, in the worker's queue, and on the way. */
  readonly waitTime: TimeStats;
  /** Bytes of resident memory, where the system tells. */
  readonly memory: number | undefined;
}

/** What a pool does. */
export interface PoolStats {
  /** Most workers. */
  readonly processes: number;
  /** Those that there are now. */
  readonly workers: readonly WorkerStats[];
  /** Tasks that were handed in and have not started; a chunk is one. */
  readonly pending: number;
  /** Tasks that run. */
  readonly running: number;
  /** Outcomes that were results. */
  readonly succeeded: number;
  /** Outcomes that were errors, losses among them. */
  readonly failed: number;
  /** Workers started so far, beyond the first `processes`. */
  readonly restarts: number;
  /** Of all workers so far: see {@link WorkerStats}. */
  readonly runTime: TimeStats;
  /** Of all workers so far: see {@link WorkerStats}. */
  readonly waitTime: TimeStats;
}

/** Bytes of resident memory of another process; undefined where the system does not tell. */
export function memoryOf(pid: number): number | undefined {
  if (process.platform !== 'linux' || pid === 0) return undefined;
  try {
    const [, kilobytes] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1')) ?? [];
    return kilobytes === undefined ? undefined : 1024 * Number(kilobytes);
  } catch {
    return undefined; // it has just ended
  }
}
