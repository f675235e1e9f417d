import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { isOnPath } from '../environment.mjs';
import { getAllStartMethods } from '../forkful.mjs';
import { installedVersion } from '../install.mjs';
import { table } from '../report.mjs';
import { runProgram } from '../run.mjs';
import { PEERS } from './pool.mjs';

const DEATHS = {
  exit: 'process.exit(3)',
  sigkill: 'SIGKILL',
  abort: 'abort',
  throwInTimer: 'throw in a timer',
  unhandledRejection: 'unhandled rejection',
  stackOverflow: 'stack overflow',
  outOfMemory: 'out of memory',
};
const AT_ONCE = 6;
const path = (name) => fileURLToPath(new URL(`../${name}`, import.meta.url));

function pools() {
  const node = (parameters) => [process.execPath, path('run-death.mjs'), parameters];
  const own = getAllStartMethods().map((method) => ({
    who: method,
    kind: 'ours',
    command: (more) => node({ module: './pools/forkful.mjs', peer: method, ...more }),
  }));
  const peers = PEERS.map(([who, module, peer]) => ({
    who,
    kind: 'peer',
    absent: installedVersion(module) === undefined && 'not installed',
    command: (more) => node({ module: `./pools/${module}.mjs`, peer, ...more }),
  }));
  const python = {
    who: 'Python Pool',
    kind: 'peer',
    absent: !isOnPath('python3') && 'not installed',
    without: ['unhandledRejection'],
    command: (more) => ['python3', path('peers/python/death.py'), more],
  };
  return [...own, ...peers, python];
}

/** No core files, and an end before the machine's memory is: a heap limit for every Node, and one for the system. */
function limited([file, script, parameters]) {
  const command = [file, script, JSON.stringify(parameters)];
  return isOnPath('prlimit') ? ['prlimit', '--core=0', '--data=1000000000', ...command] : command;
}

/** @returns { who, kind, death, state: 'rejects' | 'resolves' | 'hangs' | 'program ends' | 'absent', runs, … } */
async function die({ who, kind, absent, without, command }, death, { folder, timeout }) {
  const cell = { who, kind, death };
  if (absent) return { ...cell, state: 'absent', why: absent };
  if (without?.includes(death)) return { ...cell, state: 'absent', why: 'no such thing' };
  const file = join(folder, `${who}-${death}`.replaceAll(' ', '-'));
  writeFileSync(file, '');
  const [program, ...args] = limited(command({ death, file }));
  const result = await runProgram(program, args, {
    timeout,
    env: { NODE_OPTIONS: '--max-old-space-size=64' },
    until: /^\{.*\}\n/m,
  });
  const runs = readFileSync(file, 'utf8').length;
  const line = /^\{.*\}$/m.exec(result.stdout)?.[0];
  if (line !== undefined) return { ...cell, runs, ...JSON.parse(line) };
  if (result.timedOut) return { ...cell, runs, state: 'hangs' };
  const status = result.signal ?? `exit code ${result.code}`;
  const words =
    result.stderr
      .trim()
      .split('\n')
      .find((text) => /error/i.test(text)) ?? '';
  return { ...cell, runs, state: 'program ends', why: `${status} ${words}`.trim() };
}

/** Runs jobs, some at once: most of the time they wait for what never comes. */
async function allOf(jobs) {
  const results = [];
  const waiting = [...jobs.entries()];
  const work = async () => {
    for (let next; (next = waiting.shift()) !== undefined;) results[next[0]] = await next[1]();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
  return results;
}

function inShort({ state, runs, milliseconds, why }) {
  const again = runs > 1 ? `, ${runs} runs` : '';
  switch (state) {
    case 'rejects':
      return `rejects ${Math.round(milliseconds)} ms${again}`;
    case 'resolves':
      return `resolves${again}`;
    case 'hangs':
      return `HANGS${again}`;
    case 'program ends':
      return runs === 0 ? 'failed' : `ends program${again}`;
    default:
      return why;
  }
}

function inFull({ who, kind, state, error, value, why, uncaught, runs }) {
  const label = kind === 'ours' ? `forkful ${who}` : who;
  const what = error
    ? `${error.name}${error.code ? ` ${error.code}` : ''}: ${error.message}`
    : (why ?? (value === undefined ? '' : JSON.stringify(value)));
  const besides = uncaught ? `; uncaught in the program: ${uncaught.message}` : '';
  return [label, state, runs === undefined ? '' : String(runs), `${what}${besides}`.slice(0, 150)];
}

function judge({ who, death, state, runs }) {
  const why =
    state === 'hangs' || state === 'program ends' ? state : runs > 1 ? `ran ${runs} times` : undefined;
  return {
    name: `${who}: ${DEATHS[death]} in a task settles, and runs once`,
    issue: 3,
    wanted: 'yes',
    state: why === undefined ? 'reached' : 'short',
    why,
  };
}

/** What becomes of a task that takes its worker down with it: every pool, every way to die, each in a fresh program. */
export async function run({ quick }) {
  const folder = mkdtempSync(join(tmpdir(), 'forkful-deaths-'));
  const timeout = quick ? 5_000 : 10_000;
  const deaths = Object.keys(DEATHS);
  const all = pools();
  let cells;
  try {
    cells = await allOf(
      all.flatMap((pool) => deaths.map((death) => () => die(pool, death, { folder, timeout }))),
    );
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
  const rows = all.map((pool) => cells.filter(({ who }) => who === pool.who));
  const summary = rows.map((row) => [inFull(row[0])[0], ...row.map(inShort)]);
  const details = deaths.flatMap((death) => [
    '',
    `${DEATHS[death]} in a task`,
    ...table([['', 'state', 'runs', ''], ...cells.filter((cell) => cell.death === death).map(inFull)], {
      left: 4,
    }),
  ]);
  return {
    data: cells,
    lines: [
      `a task that has not settled after ${timeout / 1000} s hangs`,
      ...table([['', ...Object.values(DEATHS)], ...summary], { left: 8 }),
      ...details,
    ],
    verdicts: cells.filter(({ kind, state }) => kind === 'ours' && state !== 'absent').map(judge),
  };
}
