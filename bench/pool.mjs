import { Pool, refs } from 'forkful';
import { figure, interleave } from './measure.mjs';

const COUNT = 100_000;
const tasks = refs(new URL('./pool-tasks.mjs', import.meta.url));

export async function pool(runs) {
  const workers = new Pool(2);
  await workers.ready();
  const perSecond = async (work) => {
    const started = performance.now();
    await work();
    return COUNT / ((performance.now() - started) / 1000);
  };
  const numbers = Array.from({ length: COUNT }, (_, i) => i);
  const objects = numbers.map((i) => ({ id: i, name: `item ${i}`, values: [i, i + 1, i + 2] }));
  const values = await interleave(runs, {
    numbers: () => perSecond(() => Promise.all(numbers.map((i) => workers.applyAsync(tasks.increment, [i])))),
    objects: () =>
      perSecond(() => Promise.all(objects.map((item) => workers.applyAsync(tasks.same, [item])))),
    map: () => perSecond(() => workers.map(tasks.increment, numbers, { chunksize: 1 })),
    imap: () =>
      perSecond(async () => {
        for await (const result of workers.imapUnordered(tasks.increment, numbers)) void result;
      }),
    roundTrips: async () => {
      const started = performance.now();
      for (let i = 0; i < 5000; i++) await workers.apply(tasks.increment, [i]);
      return (performance.now() - started) / 5;
    },
  });
  await workers.close();
  return {
    '100,000 applyAsync of numbers, 2 workers': figure(values.numbers, 'tasks/s'),
    '100,000 applyAsync, small object in and out': figure(values.objects, 'tasks/s'),
    'map, chunksize 1': figure(values.map, 'tasks/s'),
    'imapUnordered, chunksize 1': figure(values.imap, 'tasks/s'),
    'one awaited apply after another': figure(values.roundTrips, 'µs'),
  };
}
