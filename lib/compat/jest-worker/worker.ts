import { createRequire } from 'node:module';
import { isAbsolute } from 'node:path';
import { PassThrough } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { ref } from '../../function-ref';
import type { TaskOptions } from '../../pool/options';
import { Pool } from '../../pool/pool';
import type { call, setUp } from './child';
import { asJests } from './errors';
import { Gate } from './gate';
import { poolOptions } from './options';
import type { PoolExitResult, PromiseWithCustomMessage, QueueChildMessage, WorkerFarmOptions } from './types';

const CHILD = require.resolve('./child');
const CALL = ref<typeof call>(CHILD, 'call');
const SET_UP = ref<typeof setUp>(CHILD, 'setUp');
const CALL_MESSAGE = 1;
const GRACE = 500;
const MOST_RETRIES = 254;

/** A farm of processes that run the functions of a module: each is a method of this object. */
export class Worker {
  readonly #options: WorkerFarmOptions;
  readonly #pool: Pool;
  readonly #gate: Gate | undefined;
  readonly #stdout: NodeJS.ReadableStream;
  readonly #stderr: NodeJS.ReadableStream;
  #isEnding = false;

  /** @param workerPath an absolute path, or a file: URL */
  constructor(workerPath: string | URL, options?: WorkerFarmOptions) {
    const file = pathOf(workerPath);
    this.#options = { ...options };
    const { prototype } = this.constructor as { readonly prototype: object };
    for (const name of this.#options.exposedMethods ?? methodsOf(file)) {
      if (name.startsWith('_')) continue;
      if (Object.hasOwn(prototype, name)) throw new TypeError(`Cannot define a method called ${name}`);
      Object.assign(this, { [name]: (...args: unknown[]) => this.#call(name, args) });
    }
    const pool: Pool = new Pool(
      poolOptions(file, this.#options, () => pool.stats().workers.map(({ id }) => id)),
    );
    this.#pool = pool;
    this.#stdout = pool.stdout ?? new PassThrough();
    this.#stderr = pool.stderr ?? new PassThrough();
    const { taskQueue } = this.#options;
    if (taskQueue !== undefined) {
      this.#gate = new Gate(taskQueue, pool.processes, (task, worker) => this.#run(task, String(worker)));
    }
  }

  getStdout(): NodeJS.ReadableStream {
    return this.#stdout;
  }

  getStderr(): NodeJS.ReadableStream {
    return this.#stderr;
  }

  /** Starts all workers, and runs the module's `setup` in each. */
  async start(): Promise<void> {
    try {
      await this.#pool.broadcast(SET_UP);
    } catch (error) {
      throw asJests(error, this.#retries);
    }
  }

  /** Resolves when all calls are done, each worker has run the module's `teardown`, and they are gone. */
  async end(): Promise<PoolExitResult> {
    this.#mustNotEnd();
    this.#isEnding = true;
    let forceExited = false;
    const timer = setTimeout(() => {
      forceExited = true;
      void this.#pool.terminate();
    }, this.#options.workerGracefulExitTimeout ?? GRACE);
    await this.#pool.close();
    clearTimeout(timer);
    return { forceExited };
  }

  get #retries(): number {
    return Math.min(this.#options.maxRetries ?? 0, MOST_RETRIES);
  }

  #mustNotEnd(): void {
    if (this.#isEnding) throw new Error('Farm is ended, no more calls can be done to it');
  }

  #call(method: string, args: unknown[]): PromiseWithCustomMessage<unknown> {
    this.#mustNotEnd();
    const listeners = new Set<(message: unknown) => void>();
    const promise: PromiseWithCustomMessage<unknown> = new Promise((resolve, reject) => {
      const key = this.#options.computeWorkerKey?.(method, ...args);
      const task: QueueChildMessage = {
        request: [CALL_MESSAGE, false, method, args],
        onStart: () => undefined,
        onEnd: (error, result) => {
          listeners.clear();
          if (error === null) resolve(result);
          else reject(error);
        },
        onCustomMessage: (message) => {
          for (const listener of listeners) listener(message);
        },
      };
      if (this.#gate !== undefined) this.#gate.enqueue(task, key);
      else void this.#run(task, key ?? undefined);
    });
    promise.UNSTABLE_onCustomMessage = (listener) => {
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
      };
    };
    return promise;
  }

  async #run({ request, onEnd, onCustomMessage }: QueueChildMessage, key: string | undefined): Promise<void> {
    const [, , method, args] = request;
    const options: TaskOptions = {
      retries: this.#retries,
      progress: ({ values }) => {
        values.forEach(onCustomMessage);
      },
      ...(key !== undefined && { key }),
    };
    let result: unknown;
    try {
      result = await this.#pool.apply(CALL, [method, args], options);
    } catch (error) {
      onEnd(asJests(error, this.#retries) as Error, null);
      return;
    }
    onEnd(null, result);
  }
}

function pathOf(workerPath: string | URL): string {
  const path = typeof workerPath === 'string' ? workerPath : workerPath.href;
  if (path.startsWith('file:')) return fileURLToPath(path);
  if (!isAbsolute(path)) throw new Error(`'workerPath' must be absolute, got '${path}'`);
  return path;
}

/** The functions that a module exports. */
function methodsOf(file: string): string[] {
  const module = createRequire(file)(file) as Record<string, unknown>;
  const names = Object.keys(module).filter((name) => typeof module[name] === 'function');
  return typeof module === 'function' ? [...names, 'default'] : names;
}
