import { fileURLToPath } from 'node:url';
import workerpool from 'workerpool';
import { poolCases } from './pool-cases.mjs';

const script = fileURLToPath(new URL('./workerpool-worker.cjs', import.meta.url));

const opener =
  (workerType) =>
  async ({ workers, resourceLimits }) => {
    const pool = workerpool.pool(script, {
      workerType,
      minWorkers: workers,
      maxWorkers: workers,
      workerThreadOpts: { resourceLimits },
    });
    return { run: (task, argument) => pool.exec(task, [argument]), close: () => pool.terminate(true) };
  };

export const threads = poolCases(opener('thread'));
export const processes = poolCases(opener('process'));
