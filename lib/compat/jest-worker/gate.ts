import type { QueueChildMessage, TaskQueue } from './types';

/** Runs a call in the worker that this number stands for. */
export type Run = (task: QueueChildMessage, workerId: number) => Promise<unknown>;

/** Where the order of calls is a queue of the user's: the pool is given one call for each worker, and no more. */
export class Gate {
  readonly #queue: TaskQueue;
  readonly #run: Run;
  readonly #free: number[];
  readonly #workerOfKey = new Map<string, number>();

  constructor(queue: TaskQueue, workers: number, run: Run) {
    this.#queue = queue;
    this.#run = run;
    this.#free = Array.from({ length: workers }, (_, i) => i);
  }

  enqueue(task: QueueChildMessage, key: string | null | undefined): void {
    const workerId = key === null || key === undefined ? undefined : this.#workerOfKey.get(key);
    if (key !== null && key !== undefined) {
      this.#keys.set(task, key);
    }
    this.#queue.enqueue(task, workerId);
    this.#feed();
  }

  readonly #keys = new WeakMap<QueueChildMessage, string>();

  #feed(): void {
    for (const workerId of [...this.#free]) {
      const task = this.#queue.dequeue(workerId);
      if (task === null) continue;
      this.#free.splice(this.#free.indexOf(workerId), 1);
      task.request[1] = true;
      const key = this.#keys.get(task);
      if (key !== undefined) this.#workerOfKey.set(key, workerId);
      const done = () => {
        this.#free.push(workerId);
        this.#feed();
      };
      this.#run(task, workerId).then(done, done);
    }
  }
}
