/** Statistics and the order of runs; knows nothing of what is measured. */

export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Median of the ratios of values that were measured in the same round: what slows a round slows both. */
export function ratio(over, under) {
  return median(over.slice(0, under.length).map((value, i) => value / under[i]));
}

/**
 * Runs candidates in turn (A B A B …): at least one round, then more as long as another one fits into the time.
 * A candidate that fails is left out from then on.
 * @param candidates objects with a `measure` function; given back with `values` and perhaps `failure`
 */
export async function interleave(candidates, { rounds, milliseconds, now = () => performance.now() }) {
  const rows = candidates.map((candidate) => ({ ...candidate, values: [] }));
  const started = now();
  for (let round = 1; round <= rounds; round++) {
    for (const row of rows) {
      if (row.failure !== undefined) continue;
      try {
        row.values.push(await row.measure());
      } catch (error) {
        row.failure = error;
        row.values = [];
      }
    }
    const passed = now() - started;
    if (passed + passed / round > milliseconds) break;
  }
  return rows;
}

/**
 * Repeats a job with growing counts until one of them takes long enough to be a measurement; the others warm up. The
 * first never counts: the other side may still be starting.
 * @param job does something so many times
 * @returns milliseconds for one time
 */
export async function timeOfOne(job, { milliseconds, first = 8, most = 4_000_000 }) {
  await job(first);
  for (let count = first; ;) {
    const started = performance.now();
    await job(count);
    const passed = performance.now() - started;
    if (passed >= milliseconds || count >= most) return passed / count;
    const wanted = (count * milliseconds * 1.2) / Math.max(passed, 0.01);
    count = Math.min(most, Math.ceil(Math.min(Math.max(wanted, count * 2), count * 16)));
  }
}
