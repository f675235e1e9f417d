'use strict';
const { readFileSync, readdirSync, readlinkSync } = require('node:fs');

/** Set by the suite, inherited by whatever it starts: other checkouts may be tested at the same time. */
const MARK = 'FORKFUL_TEST_RUN';

function tryTo(act) {
  try {
    return act();
  } catch {
    return undefined; // the process ended meanwhile, or is somebody else's
  }
}

function read(path) {
  return tryTo(() => readFileSync(path, 'utf8')) ?? '';
}

function isOfThisRun(pid) {
  return read(`/proc/${pid}/environ`).split('\0').includes(`${MARK}=${process.env[MARK]}`);
}

/** Our own child, dead and never waited for; it has no environment any more. */
function isOurZombie(pid) {
  const [state, parent] = read(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, '')
    .split(' ');
  return state === 'Z' && Number(parent) === process.pid;
}

function describe(pid) {
  if (isOurZombie(pid)) return `zombie ${pid}: ${read(`/proc/${pid}/comm`).trim()}`;
  const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim().slice(0, 200);
  const holds = read(`/proc/${pid}/maps`).includes('memfd:forkful')
    ? ', holds shared memory of the library'
    : '';
  return `process ${pid}: ${command}${holds}`;
}

/** A run's mark in a name: other checkouts may be tested at the same time. */
const ANY_MARK = /[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}/;

/** Named shared memory of the library, whoever made it, but not that of other runs. */
function namedMemory() {
  const list = (folder) => tryTo(() => readdirSync(folder));
  const names = (list('/dev/shm') ?? [])
    .filter((name) => name.includes('forkful'))
    .flatMap((name) => list(`/dev/shm/${name}`)?.map((file) => `${name}/${file}`) ?? [name]);
  return names.filter((name) => !ANY_MARK.test(name) || name.includes(process.env[MARK]));
}

/** Every process that this run started and that is still there, and named shared memory that was not there before. */
function leftovers(memoryBefore = []) {
  // Elsewhere nobody tells what environment a process was started with: nothing is found there.
  const pids = (tryTo(() => readdirSync('/proc')) ?? []).filter(
    (name) => /^\d+$/.test(name) && Number(name) !== process.pid,
  );
  const processes = pids.filter((pid) => isOfThisRun(pid) || isOurZombie(pid)).map(describe);
  const memory = namedMemory().filter((name) => !memoryBefore.includes(name));
  return [...processes, ...memory.map((name) => `/dev/shm/${name}`)];
}

/** Open descriptors of this process, by what they refer to, without the numbers that change. */
function descriptors() {
  const counts = {};
  for (const fd of readdirSync('/proc/self/fd')) {
    const target = tryTo(() => readlinkSync(`/proc/self/fd/${fd}`));
    if (target === undefined) continue;
    const kind = target.replace(/:\[\d+\]|\/proc\/\d+\/fd/, '');
    counts[kind] = (counts[kind] ?? 0) + 1;
  }
  return counts;
}

module.exports = { MARK, leftovers, namedMemory, descriptors };
