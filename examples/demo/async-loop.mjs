import { open } from 'node:fs/promises';
import { analyseFileAsync } from './analyse-async.mjs';
import { READ_FLAGS } from './facts.mjs';

/** libuv's threads, which do all file access and compressing of the async loop. */
export const LIBUV_THREADS = Number(process.env.UV_THREADPOOL_SIZE) || 4;

const WARM_BYTES = 1024 * 1024;

/**
 * Second way: many files at once, as many as keep libuv's threads busy while this thread parses.
 * @param {readonly string[]} files
 * @param {(bytes?: number) => void} step called after each file
 * @returns {Promise<import('./facts.mjs').Result[]>}
 */
export async function asyncLoop(files, step) {
  const results = [];
  await inParallel(files, async (file) => {
    const result = await analyseFileAsync(file);
    results.push(result);
    step(result.size);
  });
  return results;
}

/**
 * Reads every file once, so that no way is the first to wait for the disk. What cannot be read is found later.
 * @param {readonly string[]} files
 * @param {(bytes?: number) => void} step called after each file
 */
export async function warmPageCache(files, step) {
  const scratch = Buffer.allocUnsafe(WARM_BYTES);
  await inParallel(files, async (file) => {
    step(await readThrough(file, scratch).catch(() => 0)); // the passes report what is wrong
  });
}

async function readThrough(file, scratch) {
  const handle = await open(file, READ_FLAGS);
  try {
    for (let total = 0; ;) {
      const { bytesRead } = await handle.read(scratch, 0, scratch.length);
      if (bytesRead === 0) return total;
      total += bytesRead;
    }
  } finally {
    await handle.close();
  }
}

async function inParallel(files, visit) {
  const next = files.values(); // shared: each loop takes the next file that nobody has
  const loop = async () => {
    for (const file of next) await visit(file);
  };
  await Promise.all(Array.from({ length: 2 * LIBUV_THREADS }, loop));
}
