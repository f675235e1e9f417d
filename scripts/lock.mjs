// A lock between processes: a folder that holds its owner's pid. One whose owner has died is taken over.
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** Between making the folder and writing the pid there is a moment; nobody is so slow as this. */
const OWNERLESS_AFTER = 5_000;
/** By then the pid may be another process's. */
const STALE_AFTER = 30 * 60_000;

function sleep(milliseconds) {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
}

/** Undefined where the error is one of these; the lock may change hands at any moment. */
function unless(codes, act) {
  try {
    return act();
  } catch (error) {
    if (codes.includes(error.code)) return undefined;
    throw error;
  }
}

function ownerOf(lock) {
  return unless(['ENOENT'], () => readFileSync(join(lock, 'pid'), 'utf8'));
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM'; // there, but somebody else's
  }
}

function isStale(lock, owner) {
  const made = statSync(lock, { throwIfNoEntry: false })?.mtimeMs;
  if (made === undefined) return false;
  const age = Date.now() - made;
  if (age > STALE_AFTER) return true;
  return owner ? !isAlive(Number(owner)) : age > OWNERLESS_AFTER;
}

/** Moves it aside first: of two that find the same stale lock only one may remove it, and nobody a new one. */
function removeStale(lock, owner) {
  const aside = `${lock}.${process.pid}`;
  const moved = unless(['ENOENT'], () => {
    renameSync(lock, aside);
    return true;
  });
  if (moved === undefined) return;
  if (ownerOf(aside) === owner) rmSync(aside, { recursive: true, force: true });
  else renameSync(aside, lock);
}

function acquire(lock, say) {
  let told = false;
  for (;;) {
    const made = unless(['EEXIST'], () => {
      mkdirSync(lock);
      return true;
    });
    if (made) break;
    const owner = ownerOf(lock);
    if (isStale(lock, owner)) {
      say('an earlier run was ended in the middle: taking over');
      removeStale(lock, owner);
      continue;
    }
    if (owner && !told) {
      say(`waiting for process ${owner}, which does the same`);
      told = true;
    }
    sleep(100);
  }
  writeFileSync(join(lock, 'pid'), String(process.pid));
}

/** Runs a synchronous function while no other process does so under the same lock. */
export function withLock(lock, say, act) {
  acquire(lock, say);
  // On exit, because the function may end the process.
  process.on('exit', () => rmSync(lock, { recursive: true, force: true }));
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => process.exit(1));
  act();
}
