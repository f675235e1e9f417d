import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

const PERCENTILES = {
  p0_001: 0.001,
  p0_01: 0.01,
  p0_1: 0.1,
  p1: 1,
  p2_5: 2.5,
  p10: 10,
  p25: 25,
  p50: 50,
  p75: 75,
  p90: 90,
  p97_5: 97.5,
  p99: 99,
  p99_9: 99.9,
  p99_99: 99.99,
  p99_999: 99.999,
} as const;

/** Milliseconds. */
export type PiscinaHistogramSummary = Record<
  'average' | 'mean' | 'stddev' | 'min' | 'max' | keyof typeof PERCENTILES,
  number
>;

export interface PiscinaHistogram {
  runTime: PiscinaHistogramSummary;
  waitTime: PiscinaHistogramSummary;
  resetRunTime(): void;
  resetWaitTime(): void;
}

/** Times in ms, kept in µs. */
export class Times {
  readonly #histogram: RecordableHistogram = createHistogram();

  get count(): number {
    return this.#histogram.count;
  }

  get summary(): PiscinaHistogramSummary {
    const { mean, stddev, min, max } = this.#histogram;
    const all = { average: mean, mean, stddev, min, max };
    const percentiles = Object.entries(PERCENTILES).map(([name, p]) => [name, this.#histogram.percentile(p)]);
    return Object.fromEntries(
      [...Object.entries(all), ...(percentiles as [string, number][])].map(([name, time]) => [
        name,
        time / 1000,
      ]),
    ) as PiscinaHistogramSummary;
  }

  record(time: number): void {
    this.#histogram.record(Math.max(1, Math.trunc(time * 1000)));
  }

  reset(): void {
    this.#histogram.reset();
  }
}
