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

function isOfThisRun(pid) {
  const mark = `${MARK}=${process.env[MARK]}`;
  return (tryTo(() => readFileSync(`/proc/${pid}/environ`, 'utf8')) ?? '').split('\0').includes(mark);
}

/** The library's processes that this run started, others of them that hold its memory, and named shared memory. */
function leftovers() {
  const found = [];
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name) && Number(name) !== process.pid);
  for (const pid of pids.filter(isOfThisRun)) {
    const command = (tryTo(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '')
      .replaceAll('\0', ' ')
      .trim();
    const maps = tryTo(() => readFileSync(`/proc/${pid}/maps`, 'utf8')) ?? '';
    if (command.includes('child-main.js') || maps.includes('memfd:forkful'))
      found.push(`process ${pid}: ${command}`);
  }
  for (const name of tryTo(() => readdirSync('/dev/shm')) ?? []) {
    if (name.includes('forkful')) found.push(`/dev/shm/${name}`);
  }
  return found;
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

module.exports = { MARK, leftovers, descriptors };
