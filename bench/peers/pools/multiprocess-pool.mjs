import { createRequire } from 'node:module';
import { Pool } from 'multiprocess-pool';
import { poolCases } from './pool-cases.mjs';

const tasks = createRequire(import.meta.url)('./tasks.cjs');

export const processes = poolCases(async ({ workers }) => {
  const pool = new Pool(workers);
  return {
    run: (task, argument) => pool.apply(argument, tasks[task]),
    map: (task, items, chunksize) =>
      pool.map(items, tasks[task], chunksize === undefined ? {} : { chunksize }),
    close: () => pool.terminate(),
  };
});
