import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { cpus } from 'node:os';
import { DEFAULT_SPIN, spinLimit } from '../dist/backend/native/spinning.js';

const library = createRequire(__filename).resolve('./fixtures/backends.js');

test.each([
  [undefined, 8, DEFAULT_SPIN],
  ['', 8, DEFAULT_SPIN],
  ['0', 8, 0],
  ['250', 8, 250],
  ['250', 1, 0], // whoever spins keeps the other from running
])('with FORKFUL_SPIN=%s and %d CPUs', (setting, cpus, expected) => {
  expect(spinLimit(setting, () => cpus)).toBe(expected);
});

test('what is no number of µs is ignored, with a warning', () => {
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  for (const wrong of ['fast', '-1', 'NaN', '1e9']) expect(spinLimit(wrong, () => 2)).toBe(DEFAULT_SPIN);
  expect(warn).toHaveBeenCalledTimes(4);
  warn.mockRestore();
});

interface Waits {
  /** How often the pool's owner, and its worker, slept while tasks were awaited one after another. */
  readonly parent: number;
  readonly worker: number;
  /** CPU time (ms) of the two while nothing was to do for 400 ms. */
  readonly idle: number;
}

const AWAITED = 2000;

function awaitedTasks(FORKFUL_SPIN: string): Waits {
  const program = `
    const { Pool, inline } = require('node:module').createRequire(${JSON.stringify(library)})('forkful');
    const usage = () => {
      const { voluntaryContextSwitches: sleeps, userCPUTime, systemCPUTime } = process.resourceUsage();
      return { sleeps, time: (userCPUTime + systemCPUTime) / 1000 };
    };
    const task = inline(usage);
    (async () => {
      const pool = new Pool(1);
      for (let i = 0; i < ${AWAITED}; i++) await pool.apply(task);
      const [parent, worker] = [usage(), await pool.apply(task)];
      for (let i = 0; i < ${AWAITED}; i++) await pool.apply(task);
      const [parentThen, workerThen] = [usage(), await pool.apply(task)];
      await new Promise((resolve) => setTimeout(resolve, 400));
      const [parentAfter, workerAfter] = [usage(), await pool.apply(task)];
      await pool.terminate();
      console.log(JSON.stringify({
        parent: parentThen.sleeps - parent.sleeps,
        worker: workerThen.sleeps - worker.sleeps,
        idle: parentAfter.time - parentThen.time + workerAfter.time - workerThen.time,
      }));
    })();`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', program], {
    env: { ...process.env, FORKFUL_SPIN, FORKFUL_BACKEND: 'native' },
    encoding: 'utf8',
  });
  if (stdout === '') throw new Error(stderr);
  return JSON.parse(stdout) as Waits;
}

// How often it sleeps then is the machine's to say: an answer may come before anybody has gone to sleep.
test('a pool that may not spin is idle when nothing is to do', () => {
  expect(awaitedTasks('0').idle).toBeLessThan(100);
});

/** How much of the machine's time nobody used while `run` ran: 0 to 1. */
function idleShare(run: () => void): number {
  const times = () =>
    cpus().reduce((sum, { times: t }) => [sum[0]! + t.idle, sum[1]! + t.user + t.sys], [0, 0]);
  const [idle, busy] = times();
  run();
  const [idleThen, busyThen] = times();
  return (idleThen! - idle!) / Math.max(1, idleThen! - idle! + busyThen! - busy!);
}

// On a busy machine there is no second CPU; then spinning does not pay, and is not done. Who sleeps leaves time to nobody.
test('else both sides stay awake, and an idle pool sleeps', () => {
  const asleep: Waits[] = [];
  for (let tries = 0; tries < 10 && asleep.length < 5; tries++) {
    let waits!: Waits;
    const idle = idleShare(() => (waits = awaitedTasks('1000')));
    expect(waits.idle).toBeLessThan(100);
    if (spinLimit('1000') === 0 || (waits.parent < AWAITED / 10 && waits.worker < AWAITED / 10)) return;
    if (idle > 0.5) asleep.push(waits);
  }
  if (asleep.length === 5) throw new Error(`they sleep: ${JSON.stringify(asleep)}`);
  console.warn('left out: who stays awake while tasks are awaited; others used the CPUs all the time');
});

/** CPU time (ms) of a process that waits 400 ms for a message that does not come. */
function cost(FORKFUL_SPIN: string): number {
  const program = `
    const { Queue } = require('node:module').createRequire(${JSON.stringify(library)})('forkful');
    const queue = new Queue();
    const before = process.cpuUsage();
    try { queue.getSync({ timeout: 400 }); } catch {}
    const { user, system } = process.cpuUsage(before);
    console.log((user + system) / 1000);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', program], {
    env: { ...process.env, FORKFUL_SPIN, FORKFUL_BACKEND: 'native' },
    encoding: 'utf8',
  });
  if (stdout === '') throw new Error(stderr);
  return Number(stdout);
}

// A clock that counts only what the process itself has used: other load does not change it.
test('it is obeyed', () => {
  expect(cost('0')).toBeLessThan(100);
  if (spinLimit('1000000') > 0) expect(cost('1000000')).toBeGreaterThan(150);
});
