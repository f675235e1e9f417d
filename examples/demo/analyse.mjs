import { closeSync, fstatSync, lstatSync, openSync, readSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { BLOCK_BYTES, Facts, problemOf, READ_FLAGS, specialProblem, stampOf } from './facts.mjs';

/**
 * Analyses one file. The plain loop calls it here, the pool in other processes: it knows nothing of either.
 * @param {string} path
 * @returns {import('./facts.mjs').Result} which names the problem, if there is one; this never throws
 */
export function analyseFile(path) {
  let stamp = '';
  try {
    const status = lstatSync(path, { bigint: true });
    stamp = stampOf(status);
    if (!status.isFile()) return { path, stamp, problem: specialProblem(status) };
    return read(path);
  } catch (error) {
    return { path, stamp, problem: problemOf(error) };
  }
}

function read(path) {
  const fd = openSync(path, READ_FLAGS);
  try {
    const before = fstatSync(fd, { bigint: true });
    if (!before.isFile()) return { path, stamp: stampOf(before), problem: specialProblem(before) };
    const size = Number(before.size);
    const facts = new Facts(path);
    for (let position = 0; position < size || position === 0;) {
      const block = readBlock(fd, position, Math.min(BLOCK_BYTES, size - position));
      facts.add(block, gzipSync(block).length);
      position += block.length;
      if (block.length === 0) break; // empty, or cut short while we read
    }
    return facts.finish(stampOf(fstatSync(fd, { bigint: true })));
  } finally {
    closeSync(fd);
  }
}

function readBlock(fd, position, length) {
  const block = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const count = readSync(fd, block, filled, length - filled, position + filled);
    if (count === 0) break;
    filled += count;
  }
  return block.subarray(0, filled);
}
