import * as forkful from 'forkful';

/** One backend with one start method: everything in this folder holds for each. */
export interface Environment {
  readonly backend: string;
  readonly method: forkful.StartMethod;
  readonly context: forkful.Context;
}

/** Set where a file is run for one start method alone (test/fork/contract.cjs). */
const only = process.env['FORKFUL_TEST_METHOD'];

export function describeEach(name: string, suite: (environment: Environment) => void): void {
  for (const method of forkful.getAllStartMethods()) {
    if (only !== undefined && method !== only) continue;
    const backend = forkful.backend().name;
    describe(`${name} (${backend}, ${method})`, () => {
      suite({ backend, method, context: forkful.getContext(method) });
    });
  }
}

/** Arguments of Node's without which a program cannot use this method. */
export function argumentsFor(method: forkful.StartMethod): string[] {
  return method === 'fork' ? ['--single-threaded'] : [];
}

/** By `fork` nothing is started from a blocked thread. */
export async function startBlocking(process: forkful.Process, method: forkful.StartMethod): Promise<void> {
  if (method === 'fork') await process.start();
  else process.startSync();
}

/** The error that a promise rejects with; fails if it does not. */
export async function errorOf(promise: PromiseLike<unknown>): Promise<Error & Record<string, unknown>> {
  try {
    await promise;
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('expected a rejection');
}

/** The code of what a function throws. */
export function thrown(fn: () => unknown): Error & { code?: string } {
  try {
    fn();
  } catch (error) {
    return error as Error & { code?: string };
  }
  throw new Error('expected an error');
}

/** Waits for a condition, not for time. */
export async function until(condition: () => boolean): Promise<void> {
  const end = Date.now() + 20_000;
  while (!condition()) {
    if (Date.now() > end) throw new Error('the condition did not come true within 20 s');
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

export function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
