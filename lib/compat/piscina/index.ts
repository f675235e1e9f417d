/** `forkful/compat/piscina`: what piscina 5 exports, over a pool of processes. */
import { EventEmitterAsyncResource } from 'node:events';
import type { MessagePort, Worker } from 'node:worker_threads';
import type { AbortSignalAny } from './abort';
import type { PiscinaHistogram, PiscinaHistogramSummary, Times } from './histogram';
import { checkOptions, pathOf, type FilledOptions, type Options } from './options';
import { state, version } from './state';
import {
  move,
  queueOptionsSymbol,
  transferableSymbol,
  valueSymbol,
  type Transferable,
  type TransferListItem,
} from './symbols';
import { ArrayTaskQueue, FixedQueue, type PiscinaTask, type TaskQueue } from './task-queue';
import { ThreadPool } from './thread-pool';

interface RunOptions {
  /** Its ArrayBuffers are copied, and detached here. */
  transferList?: readonly TransferListItem[];
  filename?: string | null;
  signal?: AbortSignalAny | null;
  name?: string | null;
}

interface CloseOptions {
  force?: boolean;
}

/** The pool of piscina, whose threads are processes. */
class Piscina<T = any, R = any> extends EventEmitterAsyncResource {
  readonly #pool: ThreadPool;

  /** @throws TypeError or RangeError for options of the wrong type or range */
  constructor(given: Options = {}) {
    const options = withoutPrototype(given);
    super({ name: 'Piscina' });
    checkOptions(options);
    this.#pool = new ThreadPool(
      options,
      (event, ...args) => this.emit(event, ...args),
      () => this.asyncResource.asyncId(),
    );
  }

  /** Runs a task in a worker. */
  run(task: T, options: RunOptions = {}): Promise<R> {
    if ((options as unknown) === null || typeof options !== 'object')
      return Promise.reject(new TypeError('options must be an object'));
    const { transferList, signal = null, filename = null, name = null } = withoutPrototype(options);
    const refused =
      transferList !== undefined && !Array.isArray(transferList)
        ? 'transferList argument must be an Array'
        : filename !== null && typeof filename !== 'string'
          ? 'filename argument must be a string'
          : name !== null && typeof name !== 'string'
            ? 'name argument must be a string'
            : signal !== null && typeof signal !== 'object'
              ? 'signal argument must be an object'
              : undefined;
    if (refused !== undefined) return Promise.reject(new TypeError(refused));
    const { filename: ownFile, name: ownName } = this.options;
    const file = filename ?? ownFile;
    if (file === null)
      return Promise.reject(new Error('filename must be provided to run() or in options object'));
    return this.#pool.run({
      task,
      transferList: transferList ?? [],
      filename: pathOf(file),
      name: name ?? ownName,
      signal,
    }) as Promise<R>;
  }

  /** Takes no more tasks; resolves when those that there are are done, for which they have `closeTimeout`, and the workers gone. */
  async close(options: CloseOptions = {}): Promise<void> {
    if ((options as unknown) === null || typeof options !== 'object')
      throw new TypeError('options must be an object');
    const { force = false } = withoutPrototype(options);
    if (typeof force !== 'boolean') throw new TypeError('force argument must be a boolean');
    await this.#pool.close(force);
  }

  /** Ends the workers at once; what is not done rejects. */
  destroy(): Promise<void> {
    return this.#pool.destroy();
  }

  [Symbol.dispose](): void {
    void this.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get maxThreads(): number {
    return this.#pool.options.maxThreads;
  }

  get minThreads(): number {
    return this.#pool.options.minThreads;
  }

  get options(): FilledOptions {
    return this.#pool.options;
  }

  /** The workers: processes, with what of threads makes sense for them. */
  get threads(): Worker[] {
    return this.#pool.all as unknown as Worker[];
  }

  get idleThreads(): number {
    return this.#pool.idle;
  }

  get queueSize(): number {
    return this.#pool.queued;
  }

  get completed(): number {
    return this.#pool.completed;
  }

  get histogram(): PiscinaHistogram {
    const { runTimes, waitTimes } = this.#pool;
    return {
      get runTime() {
        return summaryOf(runTimes);
      },
      get waitTime() {
        return summaryOf(waitTimes);
      },
      resetRunTime: () => runTimes?.reset(),
      resetWaitTime: () => waitTimes?.reset(),
    };
  }

  /** The part of the time since the pool was made that workers have run tasks, of all that they could have. */
  get utilization(): number {
    const { runTimes } = this.#pool;
    if (runTimes === undefined || runTimes.count === 0) return 0;
    return (runTimes.summary.mean * runTimes.count) / (this.duration * this.maxThreads);
  }

  /** Milliseconds since the pool was made. */
  get duration(): number {
    return performance.now() - this.#pool.started;
  }

  get needsDrain(): boolean {
    return this.#pool.needsDrain;
  }

  static get isWorkerThread(): boolean {
    return state.isWorkerThread;
  }

  static get workerData(): any {
    return state.workerData;
  }

  static get version(): string {
    return version;
  }

  static get Piscina(): typeof Piscina {
    return Piscina;
  }

  static get FixedQueue(): typeof FixedQueue {
    return FixedQueue;
  }

  static get ArrayTaskQueue(): typeof ArrayTaskQueue {
    return ArrayTaskQueue;
  }

  static move(
    value: Transferable | TransferListItem | ArrayBufferView | ArrayBuffer | MessagePort,
  ): Transferable | ArrayBufferView | ArrayBuffer | MessagePort {
    return move(value);
  }

  static get transferableSymbol(): symbol {
    return transferableSymbol;
  }

  static get valueSymbol(): symbol {
    return valueSymbol;
  }

  static get queueOptionsSymbol(): symbol {
    return queueOptionsSymbol;
  }
}

/** undefined with `recordTiming: false`, which the type does not tell. */
function summaryOf(times: Times | undefined): PiscinaHistogramSummary {
  return times?.summary as unknown as PiscinaHistogramSummary;
}

/** Options are never found in a prototype that somebody has changed. */
function withoutPrototype<O extends object>(options: O): O {
  return Object.assign(Object.create(null) as O, options);
}

const { isWorkerThread, workerData } = state;

export default Piscina;
export {
  ArrayTaskQueue,
  FixedQueue,
  Piscina,
  isWorkerThread,
  move,
  queueOptionsSymbol,
  transferableSymbol,
  valueSymbol,
  version,
  workerData,
};
export type { PiscinaTask, TaskQueue };

// What require() gives is the class, which has the rest as its own members, as in piscina.
module.exports = Piscina;
