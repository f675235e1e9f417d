import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const COPY = fileURLToPath(new URL('./copy.mjs', import.meta.url));

/**
 * The yardstick: what this machine gives to two plain loops that know nothing of each other, each over half of the
 * work. No pool of two processes can be expected to beat that.
 * @param {readonly string[]} files
 * @param {Float64Array} costs by which the work is halved
 * @returns {Promise<number[]>} milliseconds after which each copy was ready, its start included
 */
export async function twoCopies(files, costs) {
  const start = performance.now();
  return Promise.all(
    halves(files, costs).map(async (half) => {
      const copy = fork(COPY);
      copy.send(half);
      const [count] = await Promise.race([once(copy, 'message'), failure(copy)]);
      if (count !== half.length) throw new Error(`a copy analysed ${count} of ${half.length} files`);
      return performance.now() - start;
    }),
  );
}

async function failure(copy) {
  const [code, signal] = await once(copy, 'exit');
  throw new Error(`a copy of the plain loop ended early (${signal ?? code})`);
}

function halves(files, costs) {
  const parts = [[], []];
  const sums = [0, 0];
  for (const [i, file] of files.entries()) {
    const lighter = sums[0] <= sums[1] ? 0 : 1;
    parts[lighter].push(file);
    sums[lighter] += costs[i];
  }
  return parts;
}
