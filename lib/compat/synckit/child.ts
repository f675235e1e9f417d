import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import type { AnyFn, GlobalShim } from './types';

let worker: string | undefined;
let shims: readonly GlobalShim[] = [];
let registered: AnyFn | undefined;
let loaded: Promise<void> | undefined;

/** The initializer of a worker: what it is for is loaded by the first call, who then hears of what is wrong with it. */
export function prepare(path: string, globalShims: readonly GlobalShim[]): void {
  worker = path;
  shims = globalShims;
}

/** Says what the module that was given to `createSyncFn` does. Without effect elsewhere. */

export function runAsWorker<T extends AnyFn<Promise<R> | R>, R = ReturnType<T>>(fn: T): void {
  if (worker !== undefined) registered = fn;
}

/** The one function that the pool runs. */
export async function call(args: readonly unknown[]): Promise<unknown> {
  loaded ??= load();
  await loaded;
  if (registered === undefined) {
    throw new Error(`expected ${String(worker)} to call runAsWorker(fn) when it is loaded, but it did not`);
  }
  return (await registered(...args)) as unknown;
}

async function load(): Promise<void> {
  const path = worker ?? '';
  for (const shim of shims) await install(shim, path);
  await import(pathToFileURL(path).href);
}

async function install(
  { moduleName, globalName, named, conditional }: GlobalShim,
  path: string,
): Promise<void> {
  let resolved: string;
  try {
    resolved = createRequire(path).resolve(moduleName);
  } catch {
    return; // as of synckit: who is not installed cannot help
  }
  const exports = (await import(
    resolved.startsWith('node:') ? resolved : pathToFileURL(resolved).href
  )) as Readonly<Record<string, unknown>>;
  if (globalName === undefined) return;
  const globals = globalThis as Record<string, unknown>;
  if (conditional !== false && globals[globalName]) return;
  const name = named?.trim();
  globals[globalName] =
    named === null ? exports : exports[name === undefined || name === '' ? 'default' : name];
}
