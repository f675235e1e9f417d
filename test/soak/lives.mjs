// npm run soak -- [--children 5000] [--concurrent 4] [--seed S]
// Children of a forkserver that return, throw, exit, crash, are killed, or kill the forkserver. Each must end as it was to
// end, once; afterwards nothing may be left, and the last must have started about as fast as the first. Exits with 1 else.
import { readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { parseArgs } from 'node:util';
import { activeChildren, getContext, isMainProcess, refs } from 'forkful';
import { randomFrom } from './random.mjs';

const lives = refs(createRequire(import.meta.url).resolve('./lives.cjs'));
/** Unknown: the forkserver that alone knew the signal was killed. */
const UNKNOWN = 255;
/** Of so many one kills the forkserver. */
const KILLS = 100;
/** Children at the beginning and at the end whose starts are compared. */
const SAMPLE = 0.1;
const MOST_SLOWER = 1.5;
/** A child that has not ended by then (ms) hangs. */
const PATIENCE = 60_000;

const outcomeOf = (child) =>
  child.result().then(
    (value) => ['value', value],
    ({ name, message, code }) => (code === 'ERR_FORKFUL_PROCESS_EXIT' ? ['ended'] : [name, message]),
  );

/** For each way to end: the exit codes and the outcome that belong to it. */
const KINDS = {
  returns: (i) => ({ codes: [0], outcome: ['value', i] }),
  throws: (i) => ({ codes: [1], outcome: ['RangeError', `thrown by ${i}`] }),
  exits: (i) => ({ codes: [i % 100], outcome: ['ended'] }),
  rejects: (i) => ({ codes: [1], outcome: ['Error', `rejected by ${i}`] }),
  isKilled: () => ({ codes: [-9, UNKNOWN], outcome: ['ended'] }),
  killsItself: () => ({ codes: [-9, UNKNOWN], outcome: ['ended'] }),
  crashes: () => ({ codes: [-11, UNKNOWN], outcome: ['ended'] }),
  killsTheServer: (i) => ({ codes: [0], outcome: ['value', i] }),
};
const ORDINARY = Object.keys(KINDS).filter((kind) => kind !== 'killsTheServer');

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const descriptors = () => readdirSync('/proc/self/fd').length;

async function main() {
  const { values } = parseArgs({
    options: {
      children: { type: 'string', default: '5000' },
      concurrent: { type: 'string', default: '4' },
      seed: { type: 'string', default: String(process.pid) },
    },
  });
  const [count, concurrent, seed] = [values.children, values.concurrent, values.seed].map(Number);
  const next = randomFrom(seed);
  const { Process } = getContext('forkserver');
  const times = [];
  const ledger = {};
  const problems = [];

  async function live(i) {
    const kind = i % KILLS === KILLS - 1 ? 'killsTheServer' : ORDINARY[next(ORDINARY.length)];
    const child = new Process({ target: lives[kind], args: [i, process.pid], stdio: 'ignore' });
    const began = performance.now();
    await child.start();
    times[i] = performance.now() - began;
    const outcome = outcomeOf(child);
    if (kind === 'isKilled') child.kill();
    const { codes, outcome: expected } = KINDS[kind](i);
    if (!(await child.join({ timeout: PATIENCE }))) {
      problems.push(`${i} ${kind}: hangs as ${child.pid}`);
      child.kill();
      return;
    }
    const came = await outcome;
    if (!codes.includes(child.exitCode) || JSON.stringify(came) !== JSON.stringify(expected)) {
      problems.push(`${i} ${kind}: exit code ${child.exitCode}, ${JSON.stringify(came)}`);
    }
    const how = `${kind} ${child.exitCode === UNKNOWN ? '(signal unknown)' : ''}`.trim();
    ledger[how] = (ledger[how] ?? 0) + 1;
    child.close();
  }

  let begun = 0;
  const runner = async () => {
    while (begun < count) await live(begun++);
  };
  await live(begun++); // the forkserver is there
  const before = descriptors();
  const began = performance.now();
  await Promise.all(Array.from({ length: concurrent }, runner));
  const seconds = (performance.now() - began) / 1000;
  await new Process({ target: lives.returns, args: [0] }).start();
  globalThis.gc?.();

  const sample = Math.max(10, Math.round(count * SAMPLE));
  const [first, last] = [median(times.slice(1, 1 + sample)), median(times.slice(-sample))];
  if (last > first * MOST_SLOWER)
    problems.push(`starts took ${first.toFixed(2)} ms, then ${last.toFixed(2)} ms`);
  const settled = Object.values(ledger).reduce((sum, one) => sum + one, 0);
  if (settled !== count) problems.push(`${count} were started, ${settled} ended`);
  for (const child of activeChildren()) await child.join();
  const more = descriptors() - before;
  if (more > concurrent) problems.push(`${more} descriptors more than before`);
  for (const [how, times_] of Object.entries(ledger).sort())
    console.log(`${String(times_).padStart(6)} ${how}`);
  console.log(
    `Node ${process.version}, seed ${seed}: ${settled} children in ${seconds.toFixed(0)} s; a start took ${first.toFixed(2)} ms, ` +
      `at the end ${last.toFixed(2)} ms; ${more} descriptors more; ${problems.length} problems`,
  );
  for (const problem of problems) console.error(problem);
  process.exitCode = problems.length === 0 ? 0 : 1;
}

if (isMainProcess) await main();
