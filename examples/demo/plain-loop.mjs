import { analyseFile } from './analyse.mjs';

/**
 * First way: one file after the other, on this thread.
 * @param {readonly string[]} files
 * @param {(bytes?: number) => void} [step] called after each file
 * @returns {{ results: import('./facts.mjs').Result[], costs: Float64Array }} costs: milliseconds of each file
 */
export function plainLoop(files, step) {
  const results = [];
  const costs = new Float64Array(files.length);
  for (const [i, file] of files.entries()) {
    const start = performance.now();
    const result = analyseFile(file);
    results.push(result);
    costs[i] = performance.now() - start;
    step?.(result.size);
  }
  return { results, costs };
}
