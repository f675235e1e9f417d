// Lesson 5: a Pool of processes, and the mistake that keeps only one of them busy.
//   node --import tsx examples/typescript/5-pool.mts
import { setTimeout as sleep } from 'node:timers/promises';
import { type AsyncResult, isMainProcess, Pool } from 'forkful';

interface Done {
  readonly ms: number;
  readonly pid: number;
}

/** Stands for some work. */
export async function work(ms: number): Promise<Done> {
  await sleep(ms);
  return { ms, pid: process.pid };
}

export function power(base: number, exponent: number): number {
  return base ** exponent;
}

const since = (start: number) => `${Math.round(performance.now() - start)} ms`;
const workersOf = (results: readonly Done[]) => new Set(results.map(({ pid }) => pid)).size;

if (isMainProcess) {
  const pool = new Pool({ processes: 2 });
  await pool.ready();

  console.log('map gives all results when the last is there; imap gives each as soon as it is its turn');
  const times = [100, 200, 300, 400];
  let start = performance.now();
  const all = await pool.map(work, times, { chunksize: 1 });
  console.log(`  map:  ${all.map(({ ms }) => ms)} after ${since(start)}`);
  start = performance.now();
  for await (const { ms } of pool.imap(work, times)) console.log(`  imap: ${ms} after ${since(start)}`);

  console.log('\nMore than one argument');
  console.log(`  apply:   2 to the 10th is ${await pool.apply(power, [2, 10])}`);
  console.log(
    `  starmap: ${await pool.starmap(power, [
      [2, 3],
      [3, 2],
      [5, 4],
    ])}`,
  );

  console.log('\nMore tasks than workers: the others queue');
  start = performance.now();
  const queued = Array.from({ length: 6 }, () => pool.applyAsync(work, [200]));
  for (const [i, result] of queued.entries()) {
    const { pid } = await result;
    console.log(`  task ${i + 1}, in process ${pid}, ready after ${since(start)}`);
  }

  console.log(
    '\nHand in all tasks first, collect the AsyncResults in a list, then get them: both processes work',
  );
  start = performance.now();
  const results: AsyncResult<Done>[] = [];
  for (let i = 0; i < 4; i++) results.push(pool.applyAsync(work, [250]));
  const collected: Done[] = [];
  for (const result of results) collected.push(await result.get({ timeout: 5000 }));
  console.log(`  4 x 250 ms took ${since(start)}, in ${workersOf(collected)} processes at a time`);

  console.log(
    'The mistake: await inside the loop hands in the next task when this one is ready: one process works',
  );
  start = performance.now();
  const awaited: Done[] = [];
  for (let i = 0; i < 4; i++) awaited.push(await pool.apply(work, [250]));
  console.log(`  4 x 250 ms took ${since(start)}, in 1 process at a time`);

  await pool.close();
}
