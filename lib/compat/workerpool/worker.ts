import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import workerThreads from 'node:worker_threads';
import { currentTask, type CurrentTask } from '../../pool/current-task';
import { Transfer } from './transfer';
import type { WorkerRegisterOptions } from './types';
import type { WorkerSetup } from './worker-options';

type Method = ((...args: any[]) => any) & { worker?: typeof publicWorker };
type AbortListener = () => PromiseLike<void> | void;

const ABORT_LISTENER_TIMEOUT = 1000;

let task: CurrentTask | undefined;
let onTerminate: WorkerRegisterOptions['onTerminate'];
let abortListenerTimeout = ABORT_LISTENER_TIMEOUT;
let abortListeners: AbortListener[] = [];
let terminateTimeout = 1000;
let isPrepared = false;
/** The script is being loaded; resolves when it has registered its functions. */
let ready: Promise<void> = Promise.resolve();
let registered: (() => void) | undefined;

/** What functions see as `this.worker`. */
const publicWorker = {
  /** It is called when the task is cancelled or out of time; the worker goes on if all listeners resolve in time. */
  addAbortListener(listener: () => Promise<void>): void {
    abortListeners.push(listener);
  },
  emit: workerEmit,
};

const methods: Record<string, Method> = {
  run(text: string, args: unknown[]): unknown {
    const f = new Function(`return (${text}).apply(this, arguments);`) as Method;
    f.worker = publicWorker;
    return f.apply(f, args);
  },
  methods: () => Object.keys(methods),
};

/** Makes functions known to the pool that has started this worker. */
export function worker(
  given?: Record<string, (...args: any[]) => any>,
  options?: WorkerRegisterOptions,
): void {
  if (!isPrepared) throw new Error('Script must be executed as a worker');
  for (const [name, method] of Object.entries(given ?? {})) {
    methods[name] = method;
    methods[name].worker = publicWorker;
  }
  if (options !== undefined) {
    abortListenerTimeout = options.abortListenerTimeout ?? ABORT_LISTENER_TIMEOUT;
    // A pool that is terminated, or ends this worker, sends SIGTERM.
    if (options.onTerminate && !onTerminate) process.once('SIGTERM', () => void terminateAndExit());
    onTerminate = options.onTerminate;
  }
  registered?.();
}

/** Sends an event to the task's `on`. Without effect outside of a task. */
export function workerEmit(payload: any): void {
  task?.progress(payload instanceof Transfer ? payload.message : payload);
}

/** The initializer of the pool's workers. */
export function prepare(setup: WorkerSetup): void {
  isPrepared = true;
  terminateTimeout = setup.terminateTimeout;
  const { script, args, workerData, emitStdStreams } = setup;
  process.argv = [process.execPath, script ?? __filename, ...(args ?? process.argv.slice(2))];
  if (workerData !== undefined) Object.assign(workerThreads, { workerData });
  if (emitStdStreams) for (const name of ['stdout', 'stderr'] as const) redirect(name);
  if (script === null) return;
  ready = new Promise((resolve, reject) => {
    registered = resolve;
    // Only when this worker takes tasks: a script that ends the process fails a task then, not the pool.
    setImmediate(() => {
      import(isAbsolute(script) ? pathToFileURL(script).href : script).catch(reject);
    });
  });
  ready.catch(() => undefined); // told to the first task
}

/** The one function that the pool runs. */
export async function execute(name: string, params: readonly unknown[]): Promise<unknown> {
  const mine = currentTask();
  await ready.catch((error: unknown) => {
    console.error(error);
    process.exit(1); // as of a script that throws: the next worker may have more luck
  });
  task = mine;
  try {
    const method = Object.hasOwn(methods, name) ? methods[name] : undefined;
    if (method === undefined) throw new Error(`Unknown method "${name}"`);
    const outcome: unknown = method.apply(method, params as unknown[]);
    const result = isPromise(outcome) ? await Promise.race([outcome, cleanedUp(mine.signal)]) : outcome;
    return result instanceof Transfer ? result.message : result;
  } finally {
    task = undefined;
  }
}

/** The finalizer of the pool's workers. */
export async function leave(): Promise<void> {
  if (onTerminate) await Promise.race([onTerminate(0), after(terminateTimeout)]);
}

function isPromise(value: unknown): value is PromiseLike<unknown> {
  const { then, catch: orCatch } = Object(value) as { then?: unknown; catch?: unknown };
  return typeof then === 'function' && typeof orCatch === 'function';
}

/** When the task was stopped, resolves if abort listeners have cleaned up after it; else the worker ends. */
async function cleanedUp(signal: AbortSignal): Promise<void> {
  if (!signal.aborted)
    await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
  const listeners = abortListeners;
  let isClean = false;
  if (listeners.length > 0) {
    const all = Promise.all(listeners.map(async (listener) => listener())).then(() => true);
    isClean = await Promise.race([all, after(abortListenerTimeout)]).catch(() => false);
  }
  if (!isClean) await terminateAndExit();
  abortListeners = [];
}

async function terminateAndExit(): Promise<never> {
  await leave().catch(() => undefined);
  process.exit(0);
}

function after(delay: number): Promise<false> {
  return new Promise((resolve) => {
    setTimeout(resolve, delay, false).unref();
  });
}

function redirect(name: 'stdout' | 'stderr'): void {
  const write = (chunk: string | Uint8Array, ...rest: unknown[]): boolean => {
    workerEmit({ [name]: typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString() });
    const written = rest.at(-1);
    if (typeof written === 'function') process.nextTick(written);
    return true;
  };
  process[name].write = write;
}
