import { EventEmitter } from 'node:events';
import { UnsupportedError } from '../../errors';
import type { PiscinaWorker } from './balancer';
import { type Times, type PiscinaHistogramSummary } from './histogram';
import type { TaskInfo } from './task-info';

/** A worker process, where piscina has a thread: what `pool.threads` and the load balancer see of it. */
export class Thread extends EventEmitter implements PiscinaWorker {
  readonly id: number;
  /** 0 until it takes tasks. */
  pid = 0;
  isReady: boolean;
  terminating = false;
  destroyed = false;
  readonly tasks = new Set<TaskInfo>();
  readonly times: Times | undefined;
  idleTimer: NodeJS.Timeout | undefined;
  readonly #end: () => Promise<number>;

  /** @param end ends the process, and tells how it ended */
  constructor(id: number, isReady: boolean, times: Times | undefined, end: () => Promise<number>) {
    super();
    this.id = id;
    this.isReady = isReady;
    this.times = times;
    this.#end = end;
  }

  get threadId(): number {
    return this.id;
  }

  get currentUsage(): number {
    return this.tasks.size;
  }

  get isRunningAbortableTask(): boolean {
    for (const task of this.tasks) if (task.isAbortable) return true;
    return false;
  }

  get histogram(): PiscinaHistogramSummary | null {
    return this.times?.summary ?? null;
  }

  /** Of no effect: a worker of this library never keeps the program alive, a task always does. */
  ref(): void {
    return undefined;
  }

  unref(): void {
    return undefined;
  }

  terminate(): Promise<number> {
    return this.#end();
  }

  postMessage(): never {
    throw new UnsupportedError(
      'a worker of forkful/compat/piscina takes tasks, not messages: it is a process of a pool; use run(), or a Queue or ' +
        'Connection of forkful as workerData',
    );
  }
}
