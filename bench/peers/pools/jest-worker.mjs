import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Worker } from 'jest-worker';
import { poolCases } from './pool-cases.mjs';

const script = fileURLToPath(new URL('./tasks.cjs', import.meta.url));
const exposedMethods = Object.keys(createRequire(import.meta.url)(script));

const opener =
  (enableWorkerThreads) =>
  async ({ workers, resourceLimits }) => {
    const pool = new Worker(script, {
      enableWorkerThreads,
      exposedMethods,
      numWorkers: workers,
      resourceLimits,
    });
    return { run: (task, argument) => pool[task](argument), close: () => pool.end() };
  };

export const threads = poolCases(opener(true));
export const processes = poolCases(opener(false));
