import { statfsSync } from 'node:fs';
import { backend } from '../../backend';
import { Queue } from '../../queue';
import { SharedArray } from '../../shared/array';
import { failure } from './failure';
import { findingsOf, type Finding } from './finding';

const MIB = 1024 * 1024;

const { ok, note, problem } = findingsOf('limits');

/** Memory that processes share: nameless, and in /dev/shm. */
export async function sharedMemory(): Promise<Finding[]> {
  if (backend.name !== 'native') {
    return [
      note('shared memory', 'this backend has none; messages go through sockets', 'see docs/backends.md'),
    ];
  }
  return [nameless(), await named()];
}

function nameless(): Finding {
  try {
    new SharedArray('uint8', MIB).close();
    return ok('shared memory', 'memory files (memfd) can be had; they are bound by memory alone');
  } catch (error) {
    const { text, remedy } = failure(error);
    return problem('shared memory', text, remedy);
  }
}

async function named(): Promise<Finding> {
  const free = room();
  const details = free === undefined ? {} : { values: { free } };
  const name = `doctor-${process.pid}-${Date.now()}`;
  try {
    const queue = new Queue<number>({ name, exclusive: true });
    try {
      await queue.put(1);
      await queue.get();
    } finally {
      queue.close();
    }
    const text = free === undefined ? '' : `, which has ${Math.floor(free / MIB)} MiB of room`;
    return ok('named memory', `queues, locks and memory with a name can be had in /dev/shm${text}`, details);
  } catch (error) {
    const { text, remedy } = failure(error);
    return problem('named memory', text, remedy, details);
  }
}

/** Bytes that are free there. */
function room(): number | undefined {
  try {
    const { bavail, bsize } = statfsSync('/dev/shm');
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
