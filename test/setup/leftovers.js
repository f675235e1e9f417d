'use strict';
const { readFileSync, readdirSync, readlinkSync } = require('node:fs');

function tryTo(act) {
  try {
    return act();
  } catch {
    return undefined; // the process ended meanwhile, or is somebody else's
  }
}

/** The library's processes on this machine (its child program in the command line), and who holds its memory. */
function leftovers() {
  const found = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const command = (tryTo(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8')) ?? '')
      .replaceAll('\0', ' ')
      .trim();
    const title = (tryTo(() => readFileSync(`/proc/${pid}/comm`, 'utf8')) ?? '').trim();
    if (command.includes('/dist/child-main.js') || /^node: (Process|PoolWorker)-/.test(command)) {
      found.push(`process ${pid}: ${command || title}`);
      continue;
    }
    const maps = tryTo(() => readFileSync(`/proc/${pid}/maps`, 'utf8')) ?? '';
    if (Number(pid) !== process.pid && maps.includes('memfd:forkful'))
      found.push(`memory held by ${pid}: ${command}`);
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

module.exports = { leftovers, descriptors };
