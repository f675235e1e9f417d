// npm run chaos -- [--seconds 60] [--kills 0] [--processes 3] [--seed S] [--method forkserver]
// Mixed tasks on two pools, one with `concurrency`, whose workers are killed, stopped and starved at random, and which are
// resized meanwhile, for that time and until so many were killed. Each task must settle, once, with its right result or with an error that it may have, and without
// `retries` it must not run twice; memory must not grow, and nothing may be left. Exits with 1 else.
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { getContext, isMainProcess } from 'forkful';
import { tasks, work } from './chaos-work.mjs';
import { Ledger } from './ledger.mjs';
import { randomFrom } from './random.mjs';
import { Violence } from './violence.mjs';

/** Tasks on their way at a time. */
const MOST_PENDING = 300;
/** A task that has not settled so many milliseconds after the last act of violence hangs. */
const PATIENCE = 30_000;
/** Memory (bytes) that a pool may have gained from the first third of the time to the last. */
const MOST_GROWTH = 24 << 20;
/** Of so many rounds one has an act of violence. */
const PEACE = 2;
/** Milliseconds that the last workers of a pool that is gone may need to be gone from the system's lists. */
const LAST_GOODBYE = 2000;
/** Tasks at once in the workers of the second pool. */
const CONCURRENCY = 4;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc');

const descriptors = () => readdirSync('/proc/self/fd').length;
const isGone = (pid) => {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1').includes(') Z ');
  } catch {
    return true;
  }
};
const until = async (condition) => {
  for (const end = performance.now() + LAST_GOODBYE; !condition() && performance.now() < end;)
    await sleep(10);
  return condition();
};

function parse() {
  const { values } = parseArgs({
    options: {
      seconds: { type: 'string', default: '60' },
      kills: { type: 'string', default: '0' },
      processes: { type: 'string', default: '3' },
      seed: { type: 'string', default: String(process.pid) },
      method: { type: 'string' },
    },
  });
  const [seconds, kills, processes, seed] = [values.seconds, values.kills, values.processes, values.seed].map(
    Number,
  );
  if (!(seconds > 0) || !Number.isInteger(kills) || !Number.isInteger(processes) || !Number.isInteger(seed)) {
    console.error(
      'chaos: expected --seconds, --kills, --processes and --seed to be numbers; for example: npm run chaos -- --seconds 60',
    );
    process.exit(2);
  }
  return { seconds, kills, processes, seed, method: values.method };
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Bytes that were gained from the second third of the samples to the last one. */
function growthOf(samples) {
  const third = Math.floor(samples.length / 3);
  return third < 2 ? 0 : mean(samples.slice(-third)) - mean(samples.slice(third, 2 * third));
}

async function main() {
  const { seconds, kills, processes, seed, method } = parse();
  console.log(`chaos: seed ${seed}, ${seconds} s`);
  const next = randomFrom(seed);
  const { Pool } = getContext(method);
  const ledger = new Ledger();
  const { problems } = ledger;
  const first = new Pool(1);
  await first.apply(tasks.add, [1, 2, 0]);
  await first.close();
  const before = descriptors(); // what a pool leaves for the next one is there
  const common = {
    maxTasksPerChild: 500,
    stdio: 'ignore',
    initializer: tasks.countRuns,
    initargs: [ledger.runs],
  };
  const pools = [
    new Pool({ ...common, processes }),
    new Pool({ ...common, processes: 2, concurrency: CONCURRENCY }),
  ];
  const workers = new Set();
  for (const pool of pools) pool.on('workerStart', ({ pid }) => workers.add(pid));
  const violence = new Violence(pools, next, processes);
  const handIn = pools.map((pool) => work(pool, ledger, next));
  const memory = [];
  const began = performance.now();
  const end = began + seconds * 1000;
  for (let round = 0; performance.now() < end || violence.deeds.killed < kills; round++) {
    for (let i = next(60); i > 0 && ledger.open.size < MOST_PENDING; i--) handIn[next(handIn.length)]();
    if (next(PEACE) === 0) violence.act();
    await sleep(next(20));
    if (round % 50 === 0) {
      collect();
      memory.push(process.memoryUsage.rss());
    }
  }
  const lasted = Math.round((performance.now() - began) / 1000);
  await violence.end();
  const patience = performance.now() + PATIENCE;
  while (ledger.open.size > 0 && performance.now() < patience) await sleep(10);
  ledger.audit();
  const growth = growthOf(memory);
  if (growth > MOST_GROWTH) problems.push(`memory grew by ${Math.round(growth / 1e6)} MB`);
  const restarts = pools.reduce((sum, pool) => sum + pool.stats().restarts, 0);
  for (const pool of pools) {
    const { pending, running } = pool.stats();
    if (ledger.open.size === 0 && pending + running > 0)
      problems.push(
        `everything has settled, and the pool counts ${pending} pending and ${running} running tasks`,
      );
    if (ledger.open.size > 0) await pool.terminate();
    else await pool.close();
  }
  if (!(await until(() => descriptors() <= before)))
    problems.push(`${descriptors() - before} descriptors are left`);
  if (!(await until(() => [...workers].every(isGone))))
    problems.push(`workers are left: ${[...workers].filter((pid) => !isGone(pid)).join(', ')}`);

  for (const [line, count] of Object.entries(ledger.outcomes).sort())
    console.log(`${String(count).padStart(7)} ${line}`);
  const deeds = Object.entries(violence.deeds).map(([deed, count]) => `${count} ${deed}`);
  console.log(
    `seed ${seed}: ${ledger.balance} in ${lasted} s, ${ledger.runsCounted} of their runs counted; ${deeds.join(', ')}; ` +
      `${restarts} restarts; memory ${growth < 0 ? '' : '+'}${(growth / 1e6).toFixed(1)} MB; ${problems.length} problems`,
  );
  for (const problem of problems.slice(0, 20)) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

if (isMainProcess) await main();
