import { fileURLToPath } from 'node:url';
import { Tinypool } from 'tinypool';
import { poolCases } from './pool-cases.mjs';

const filename = fileURLToPath(new URL('./tasks.cjs', import.meta.url));

const opener =
  (runtime) =>
  async ({ workers, resourceLimits, execArgv }) => {
    // Its processes do not get NODE_OPTIONS.
    const limits = runtime === 'child_process' ? { execArgv } : { resourceLimits };
    const pool = new Tinypool({ filename, runtime, minThreads: workers, maxThreads: workers, ...limits });
    return { run: (task, argument) => pool.run(argument, { name: task }), close: () => pool.destroy() };
  };

export const threads = poolCases(opener('worker_threads'));
export const processes = poolCases(opener('child_process'));
