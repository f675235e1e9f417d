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

/** Of a histogram's bins in a power of ten. */
export const BINS = 20;

/**
 * How long single round trips take, one after another; those before them warm up.
 * @param trip does one, or begins one
 * @returns percentiles in µs, and a histogram: how many took from 10^(bin / BINS) µs to the next
 */
export async function latencies(trip, { milliseconds, least = 200, most = 100_000 }) {
  const warm = performance.now() + milliseconds / 2;
  for (let i = 0; i < least || performance.now() < warm; i++) await trip();
  const samples = [];
  const end = performance.now() + milliseconds;
  while (samples.length < least || (samples.length < most && performance.now() < end)) {
    const started = performance.now();
    const pending = trip();
    if (pending !== undefined) await pending;
    samples.push((performance.now() - started) * 1000);
  }
  samples.sort((a, b) => a - b);
  const at = (part) => samples[Math.min(samples.length - 1, Math.floor(part * samples.length))];
  const bins = {};
  for (const sample of samples) {
    const bin = Math.floor(Math.log10(Math.max(sample, 0.01)) * BINS);
    bins[bin] = (bins[bin] ?? 0) + 1;
  }
  return {
    count: samples.length,
    p50: at(0.5),
    p90: at(0.9),
    p99: at(0.99),
    p999: at(0.999),
    max: at(1),
    bins,
  };
}
