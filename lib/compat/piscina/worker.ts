import { getPriority, setPriority } from 'node:os';
import { pathToFileURL } from 'node:url';
import workerThreads from 'node:worker_threads';
import { InvalidStateError } from '../../errors';
import { currentTask, type CurrentTask } from '../../pool/current-task';
import { isMovable, transferableSymbol, valueSymbol } from './symbols';
import { state } from './state';

/** With what a worker ends whose error nobody has caught. */
export const UNCAUGHT = 250;
const LOWEST_PRIORITY = 19;

/** What a worker is told at its start. */
export interface Setup {
  readonly id: number;
  readonly argv: readonly string[] | undefined;
  readonly workerData: unknown;
  readonly niceIncrement: number;
  readonly filename: string | null;
  readonly name: string;
}

/** What a task says of itself while it runs. */
export type Said = { readonly message: unknown; readonly from: number } | { readonly uncaught: unknown };

type Handler = (task: unknown) => unknown;

const handlers = new Map<string, Promise<Handler | undefined>>();
const running = new Set<CurrentTask>();

/** The initializer of the pool's workers. */
export function prepare({ id, argv, workerData, niceIncrement, filename, name }: Setup): void {
  state.isWorkerThread = true;
  state.workerData = workerData;
  if (argv !== undefined) process.argv = [...process.argv.slice(0, 2), ...argv.map(String)];
  if (niceIncrement !== 0) setPriority(Math.min(getPriority() + niceIncrement, LOWEST_PRIORITY));
  // What code for threads asks worker_threads for.
  const parentPort = { postMessage };
  Object.assign(workerThreads, { isMainThread: false, parentPort, threadId: id, workerData });
  process.on('uncaughtException', (error) => {
    console.error(error);
    for (const task of running) tell(task, { uncaught: error });
    process.exit(UNCAUGHT);
  });
  // Loaded when this worker takes tasks; what goes wrong is told to the tasks that need it.
  if (filename !== null) setImmediate(() => void handlerOf(filename, name).catch(() => undefined));
}

/** The one function that the pool runs. */
export async function execute(filename: string, name: string, task: unknown): Promise<unknown> {
  const mine = currentTask();
  running.add(mine);
  try {
    const handler = await handlerOf(filename, name);
    if (handler === undefined) throw new Error(`No handler function exported from ${filename}`);
    const result = await handler(task);
    if (!isMovable(result)) return result;
    const given = [result[transferableSymbol]].flat().filter((each) => each instanceof ArrayBuffer);
    setImmediate(() => structuredClone(null, { transfer: given })); // when it has been sent
    return result[valueSymbol];
  } finally {
    running.delete(mine);
  }
}

/** As of `parentPort`: an event of the pool. */
function postMessage(message: unknown): void {
  let task: CurrentTask;
  try {
    task = currentTask();
  } catch (cause) {
    throw new InvalidStateError(
      'parentPort.postMessage() of a forkful worker is for tasks, whose messages go with them; nothing runs here',
      { cause },
    );
  }
  task.progress({ message, from: workerThreads.threadId } satisfies Said);
}

function tell(task: CurrentTask, said: Said): void {
  try {
    task.progress(said);
  } catch {
    // An error that cannot be sent: the task rejects for its worker has ended.
  }
}

async function handlerOf(filename: string, name: string): Promise<Handler | undefined> {
  const key = `${filename}/${name}`;
  let handler = handlers.get(key);
  if (handler === undefined) {
    handler = load(filename, name);
    handlers.set(key, handler);
    handler.catch(() => handlers.delete(key)); // the next task may have more luck
  }
  return handler;
}

/** The export of that name; the default one of a CommonJS module is what it exports, or its own `default`. */
async function load(filename: string, name: string): Promise<Handler | undefined> {
  const module = (await import(pathToFileURL(filename).href)) as Record<string, unknown>;
  const main = module['default'] as (Record<string, unknown> & { readonly __esModule?: unknown }) | undefined;
  const byDefault = main?.__esModule === true ? main['default'] : main;
  const found = await (name === 'default' ? byDefault : (module[name] ?? main?.[name]));
  return typeof found === 'function' ? (found as Handler) : undefined;
}
