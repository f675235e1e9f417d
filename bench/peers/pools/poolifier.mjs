import { fileURLToPath } from 'node:url';
import { FixedClusterPool, FixedThreadPool } from 'poolifier';
import { poolCases } from './pool-cases.mjs';

const script = (kind) => fileURLToPath(new URL(`./poolifier-${kind}.cjs`, import.meta.url));

const using = (pool) => ({
  run: (task, argument) => pool.execute(argument, task),
  close: () => pool.destroy(),
});

export const threads = poolCases(async ({ workers, resourceLimits }) =>
  using(new FixedThreadPool(workers, script('thread'), { workerOptions: { resourceLimits } })),
);
export const cluster = poolCases(async ({ workers }) =>
  using(new FixedClusterPool(workers, script('cluster'))),
);
