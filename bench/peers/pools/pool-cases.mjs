import { setTimeout as sleep } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { median, timeOfOne } from '../../measure.mjs';
import * as inputs from './jobs.mjs';
import { privateMegabytes } from '../starts/start-cases.mjs';

const WORKERS = 2;
const large = Buffer.alloc(1 << 20, 1);
const arguments_ = {
  increment: (i) => i,
  block: () => 1,
  same: (i) => ({ id: i, name: `item ${i}`, values: [i, i + 1, i + 2] }),
};

function collectGarbage() {
  setFlagsFromString('--expose-gc');
  runInNewContext('gc')();
}

async function timed(act) {
  const started = performance.now();
  await act();
  return performance.now() - started;
}

/**
 * The measurements of a pool.
 * @param open gives a pool with so many workers: { run(task, argument), map?(task, items, chunksize), close() }
 */
export function poolCases(open) {
  /** A pool all of whose workers have run something. */
  const warm = async (workers = WORKERS) => {
    const pool = await open({ workers });
    for (let i = 0; i < 20; i++) {
      await Promise.all(Array.from({ length: workers * 4 }, () => pool.run('increment', 1)));
    }
    return pool;
  };

  const awaited = async (pool, end, pause) => {
    const times = [];
    while (performance.now() < end || times.length < 20) {
      if (pause > 0) await sleep(pause);
      times.push(await timed(() => pool.run('increment', 1)));
    }
    return median(times) * 1000;
  };

  return {
    open,

    /** As many as asked for, but not more than the pool does in so many seconds: some would need half a minute. */
    async atOnce({ task, count, seconds = Infinity, workers }) {
      const pool = await warm(workers);
      const items = Array.from({ length: count }, (_, i) => arguments_[task](i));
      const together = async (some) => {
        const milliseconds = await timed(() => Promise.all(some.map((item) => pool.run(task, item))));
        return (some.length / milliseconds) * 1000;
      };
      const first = await together(items.slice(0, count / 20));
      return together(items.slice(0, Math.max(count / 20, first * seconds)));
    },

    async map({ chunksize, count, verb = 'map' }) {
      const pool = await warm();
      const items = Array.from({ length: count }, (_, i) => i);
      await pool[verb]('increment', items.slice(0, count / 10), chunksize);
      return count / ((await timed(() => pool[verb]('increment', items, chunksize))) / 1000);
    },

    async hot({ milliseconds }) {
      const pool = await warm();
      await awaited(pool, performance.now() + milliseconds / 2, 0);
      return awaited(pool, performance.now() + milliseconds, 0);
    },

    async idle({ milliseconds }) {
      return awaited(await warm(), performance.now() + milliseconds * 2, 5);
    },

    /** A job of a program, from the creation of its pool to the last result: s. */
    async job({ task, input, amount }) {
      const items = inputs[input](amount);
      const ms = await timed(async () => {
        const pool = await open({ workers: WORKERS });
        if (pool.map !== undefined) await pool.map(task, items, 1);
        else await Promise.all(items.map((item) => pool.run(task, item)));
      });
      return ms / 1000;
    },

    async cold() {
      return timed(async () => (await open({ workers: WORKERS })).run('increment', 1));
    },

    async second() {
      await warm();
      return timed(async () => (await open({ workers: WORKERS })).run('increment', 1));
    },

    async large({ milliseconds }) {
      const pool = await warm();
      const underWay = WORKERS * 2;
      const job = async (count) => {
        for (let i = 0; i < count; i += underWay) {
          await Promise.all(Array.from({ length: underWay }, () => pool.run('length', large)));
        }
      };
      return large.length / 1e3 / (await timeOfOne(job, { milliseconds, first: underWay, most: 2048 }));
    },

    async memory() {
      const pool = await warm();
      const pids = new Set(await Promise.all(Array.from({ length: 50 }, () => pool.run('pid'))));
      await sleep(300);
      return median([...pids].map(privateMegabytes));
    },

    async pending({ count }) {
      const pool = await warm();
      const blocked = Array.from({ length: WORKERS }, () => pool.run('block', 5_000));
      await sleep(100);
      collectGarbage();
      const before = process.memoryUsage.rss();
      const tasks = Array.from({ length: count }, (_, i) => pool.run('increment', i));
      await sleep(100);
      collectGarbage();
      const after = process.memoryUsage.rss();
      for (const task of [...blocked, ...tasks]) task.then?.(undefined, () => {}); // ends with them unsettled
      return (after - before) / count;
    },
  };
}
