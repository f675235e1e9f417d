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

/** An idle worker; else the one with the fewest tasks. Who may be aborted is alone, for its worker ends with it. */
export function leastBusy(most: number): PiscinaLoadBalancer {
  return (task, workers) => {
    let best: PiscinaWorker | null = null;
    for (const worker of workers) {
      if (worker.currentUsage === 0) return worker;
      if (task.isAbortable || worker.isRunningAbortableTask) continue;
      if (worker.currentUsage < (best?.currentUsage ?? most)) best = worker;
    }
    return best;
  };
}
