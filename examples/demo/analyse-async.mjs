import { lstat, open } from 'node:fs/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { BLOCK_BYTES, Facts, problemOf, READ_FLAGS, specialProblem, stampOf } from './facts.mjs';

const compress = promisify(gzip);

/**
 * Like analyseFile, but what can be handed to libuv's threads is: reading and compressing. Hashing, counting and
 * parsing stay on this thread.
 * @returns {Promise<import('./facts.mjs').Result>} never rejects
 */
export async function analyseFileAsync(path) {
  let stamp = '';
  try {
    const status = await lstat(path, { bigint: true });
    stamp = stampOf(status);
    if (!status.isFile()) return { path, stamp, problem: specialProblem(status) };
    return await read(path);
  } catch (error) {
    return { path, stamp, problem: problemOf(error) };
  }
}

async function read(path) {
  const file = await open(path, READ_FLAGS);
  try {
    const before = await file.stat({ bigint: true });
    if (!before.isFile()) return { path, stamp: stampOf(before), problem: specialProblem(before) };
    const size = Number(before.size);
    const facts = new Facts(path);
    for (let position = 0; position < size || position === 0;) {
      const block = await readBlock(file, position, Math.min(BLOCK_BYTES, size - position));
      facts.add(block, (await compress(block)).length);
      position += block.length;
      if (block.length === 0) break; // empty, or cut short while we read
    }
    return facts.finish(stampOf(await file.stat({ bigint: true })));
  } finally {
    await file.close();
  }
}

async function readBlock(file, position, length) {
  const block = Buffer.allocUnsafe(length);
  let filled = 0;
  while (filled < length) {
    const { bytesRead } = await file.read(block, filled, length - filled, position + filled);
    if (bytesRead === 0) break;
    filled += bytesRead;
  }
  return block.subarray(0, filled);
}
