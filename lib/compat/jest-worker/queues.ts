import type { QueueChildMessage, TaskQueue } from './types';

type ComputePriority = (method: string, ...args: unknown[]) => number;

/** In the order of the calls, those for a certain worker too. */
export class FifoQueue implements TaskQueue {
  #waiting: { readonly task: QueueChildMessage; readonly workerId: number | undefined }[] = [];

  enqueue(task: QueueChildMessage, workerId?: number): void {
    this.#waiting.push({ task, workerId });
  }

  dequeue(workerId: number): QueueChildMessage | null {
    const index = this.#waiting.findIndex((item) => (item.workerId ?? workerId) === workerId);
    return index < 0 ? null : (this.#waiting.splice(index, 1)[0]?.task ?? null);
  }
}

/** Those with the lowest priority number first; of equals those for a certain worker. */
export class PriorityQueue implements TaskQueue {
  readonly #computePriority: ComputePriority;
  #waiting: {
    readonly task: QueueChildMessage;
    readonly workerId: number | undefined;
    readonly priority: number;
  }[] = [];

  constructor(computePriority: ComputePriority) {
    this.#computePriority = computePriority;
  }

  enqueue(task: QueueChildMessage, workerId?: number): void {
    const [, , method, args] = task.request;
    this.#waiting.push({ task, workerId, priority: this.#computePriority(method, ...args) });
  }

  dequeue(workerId: number): QueueChildMessage | null {
    let best = -1;
    this.#waiting.forEach((item, i) => {
      if ((item.workerId ?? workerId) !== workerId) return;
      const least = this.#waiting[best];
      const isOwn = item.workerId !== undefined && least?.workerId === undefined;
      if (least === undefined || item.priority < least.priority) best = i;
      else if (item.priority === least.priority && isOwn) best = i;
    });
    return best < 0 ? null : (this.#waiting.splice(best, 1)[0]?.task ?? null);
  }
}
