import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { currentTask } from '../../pool/current-task';

/** A module that workers run functions of. */
type Methods = Readonly<Record<string, unknown>> & {
  readonly setup?: (...args: unknown[]) => unknown;
  readonly teardown?: () => unknown;
};

let file: string | undefined;
let setupArgs: readonly unknown[] = [];
let isSetUp = false;
let loaded: Methods | undefined;

/** The initializer of the pool's workers: the module is loaded by the first call. */
export function prepare(path: string, args: readonly unknown[]): void {
  file = path;
  setupArgs = args;
}

/** Runs the module's `setup`, unless it has run here. */
export async function setUp(): Promise<void> {
  const main = await load();
  if (isSetUp) return;
  isSetUp = true;
  try {
    await main.setup?.(...setupArgs);
  } catch (error) {
    const { message, stack, constructor } = Object(error ?? NOTHING) as Error;
    throw Object.assign(new Error(`Error when calling setup: ${message}`), { type: constructor.name, stack });
  }
}

/** The one function that the pool runs. */
export async function call(method: string, args: readonly unknown[]): Promise<unknown> {
  const main = loaded ?? (await load());
  if (!isSetUp) await setUp();
  const fn = method === 'default' ? defaultOf(main) : main[method];
  try {
    return await (fn as (...args: unknown[]) => unknown).apply(main, args as unknown[]);
  } catch (error) {
    throw typed(error ?? new Error(NOTHING));
  }
}

/** The name of its class stays with an error, though the caller may not have the class. */
function typed(error: unknown): unknown {
  if (error instanceof Error && Object.isExtensible(error) && !('type' in error))
    Object.assign(error, { type: error.constructor.name });
  return error;
}

/** The finalizer of the pool's workers. What it throws is nobody's. */
export async function tearDown(): Promise<void> {
  try {
    await (await load()).teardown?.();
  } catch {
    // As of jest-worker: the worker ends in any case.
  }
}

const NOTHING = '"null" or "undefined" thrown';
const CUSTOM_MESSAGE = 3;

/**
 * Tells the caller of the call that runs here. Without effect when that is over.
 * @throws TypeError outside of a worker
 */
export function messageParent(message: unknown, parentProcess: NodeJS.Process = process): void {
  if (file === undefined || parentProcess !== process) {
    if (typeof parentProcess.send !== 'function')
      throw new TypeError('"messageParent" can only be used inside a worker');
    parentProcess.send([CUSTOM_MESSAGE, message]);
    return;
  }
  let task;
  try {
    task = currentTask();
  } catch {
    return;
  }
  task.progress(message);
}

async function load(): Promise<Methods> {
  if (file === undefined) throw new Error('expected to be run by the pool of a farm');
  try {
    return (loaded = createRequire(file)(file) as Methods);
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code !== 'ERR_REQUIRE_ESM' && code !== 'ERR_REQUIRE_ASYNC_MODULE') throw error;
    return (loaded = (await import(pathToFileURL(file).href)) as Methods);
  }
}

function defaultOf(main: Methods): unknown {
  return main['__esModule'] === true || typeof main !== 'function' ? main['default'] : main;
}
