import { Pool, getAllStartMethods, getContext, refs } from '../../forkful.mjs';
import { poolCases } from './pool-cases.mjs';

const tasks = refs(new URL('./tasks.cjs', import.meta.url));

const opener =
  (Constructor, verb) =>
  async ({ workers }) => {
    const pool = new Constructor(workers);
    return {
      run: (task, argument) => pool[verb](tasks[task], [argument]),
      map: (task, items, chunksize) =>
        pool.map(tasks[task], items, chunksize === undefined ? {} : { chunksize }),
      async imapUnordered(task, items, chunksize) {
        for await (const result of pool.imapUnordered(tasks[task], items, { chunksize })) void result;
      },
      close: () => pool.terminate(),
    };
  };

export const apply = poolCases(opener(Pool, 'apply'));
export const applyAsync = poolCases(opener(Pool, 'applyAsync'));

const by = (method) =>
  getAllStartMethods().includes(method) ? poolCases(opener(getContext(method).Pool, 'apply')) : undefined;
export const spawn = by('spawn');
export const forkserver = by('forkserver');
export const fork = by('fork');
