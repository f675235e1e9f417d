import { createRequire } from 'node:module';

type Method = (...args: unknown[]) => void;

/** The initializer of the pool's workers: what does not load is told to the calls. */
export function load(path: string): void {
  try {
    createRequire(path)(path);
  } catch {
    // A call tries again, and says why.
  }
}

/** The one function that the pool runs: what the method calls back with. */
export function call(path: string, method: string | undefined, args: readonly unknown[]): Promise<unknown[]> {
  const module = createRequire(path)(path) as Method & Readonly<Record<string, unknown>>;
  const fn = method === undefined ? module : module[method];
  if (typeof fn !== 'function') throw new Error(`NO SUCH METHOD: ${method ?? 'the module itself'}`);
  return new Promise((resolve) => {
    (fn as Method)(...args, (...results: unknown[]) => {
      typed(results[0]);
      resolve(results);
    });
  }).catch((error: unknown) => {
    typed(error);
    throw error;
  }) as Promise<unknown[]>;
}

/** The name of its class stays with an error, though the caller may not have the class. */
function typed(error: unknown): void {
  if (error instanceof Error && Object.isExtensible(error) && !('type' in error))
    Object.assign(error, { type: error.constructor.name });
}
