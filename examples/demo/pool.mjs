import { Pool, remoteInfo } from 'forkful';
import { analyseFile } from './analyse.mjs';

/**
 * Files per message to a worker. A file takes about a millisecond, a message some microseconds: few are enough to hide
 * the one behind the other, and more would only make the end of the work uneven.
 */
const CHUNK = 4;

/**
 * Third way: the function of the plain loop, in other processes. The first half of this is all that it takes.
 * @param {readonly string[]} files
 * @param {(bytes?: number) => void} step called after each file
 * @param {number} processes
 * @returns {Promise<import('./facts.mjs').Result[]>} in the order in which they were ready
 */
export async function poolOfProcesses(files, step, processes) {
  const results = [];
  const reasons = new Map();
  const pool = new Pool({ processes });
  try {
    for await (const outcome of pool.imapUnordered(analyseFile, files, { chunksize: CHUNK, settled: true })) {
      if (outcome.status === 'fulfilled') results.push(outcome.value);
      else reasons.set(files[remoteInfo(outcome.reason)?.index], outcome.reason);
      step(outcome.value?.size);
    }
  } finally {
    await pool.terminate();
  }

  // A worker that is killed, or runs out of memory, costs the file that it had in hand; the others go on.
  const missing = new Set(files);
  for (const { path } of results) missing.delete(path);
  for (const path of missing) {
    const detail = reasons.get(path)?.message ?? 'no result came';
    results.push({ path, stamp: '', problem: { kind: 'lost', detail } });
  }
  return results;
}
