import type { PiscinaHistogramSummary } from './histogram';
import type { PiscinaTask } from './task-queue';

/** What a load balancer sees of a worker. */
export interface PiscinaWorker {
  id: number;
  currentUsage: number;
  isRunningAbortableTask: boolean;
  histogram: PiscinaHistogramSummary | null;
  terminating: boolean;
  destroyed: boolean;
}

/** Tells which worker runs a task; null: none now. */
export type PiscinaLoadBalancer = (task: PiscinaTask, workers: PiscinaWorker[]) => PiscinaWorker | null;
