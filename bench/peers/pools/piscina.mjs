import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { poolCases } from './pool-cases.mjs';

const filename = fileURLToPath(new URL('./tasks.cjs', import.meta.url));

export const threads = poolCases(async ({ workers, resourceLimits }) => {
  const pool = new Piscina({ filename, minThreads: workers, maxThreads: workers, resourceLimits });
  return { run: (task, argument) => pool.run(argument, { name: task }), close: () => pool.destroy() };
});
