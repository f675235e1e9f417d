import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

/** Milliseconds, each to about 1 %. */
export interface TimeStats {
  /** How many were measured. */
  readonly count: number;
  /** 0 if there were none, as the others. */
  readonly min: number;
  /** Their mean. */
  readonly mean: number;
  /** The longest. */
  readonly max: number;
  /** Half of them took no longer. */
  readonly p50: number;
  /** 90 % took no longer. */
  readonly p90: number;
  /** 99 % took no longer. */
  readonly p99: number;
}

/** Steps of a histogram in a millisecond. */
const STEPS = 1000;
/** Two decimal digits; the longest are fifty days. */
const OPTIONS = { lowest: 1, highest: 2 ** 42, figures: 2 };

const empty = { count: 0, min: 0, mean: 0, max: 0, p50: 0, p90: 0, p99: 0 };

function summary(histogram: RecordableHistogram | undefined): TimeStats {
  if (histogram === undefined || histogram.count === 0) return empty;
  const percentile = (part: number) => histogram.percentile(part) / STEPS;
  return {
    count: histogram.count,
    min: histogram.min / STEPS,
    mean: histogram.mean / STEPS,
    max: histogram.max / STEPS,
    p50: percentile(50),
    p90: percentile(90),
    p99: percentile(99),
  };
}

const steps = (ms: number) => Math.min(OPTIONS.highest, Math.max(1, Math.round(ms * STEPS)));

/** How long tasks ran, and how long they had waited for it. */
export class TaskTimes {
  #run: RecordableHistogram | undefined;
  #wait: RecordableHistogram | undefined;

  /** In milliseconds. */
  record(run: number, wait: number): void {
    (this.#run ??= createHistogram(OPTIONS)).record(steps(run));
    (this.#wait ??= createHistogram(OPTIONS)).record(steps(wait));
  }

  add(others: TaskTimes): void {
    if (others.#run === undefined || others.#wait === undefined) return;
    (this.#run ??= createHistogram(OPTIONS)).add(others.#run);
    (this.#wait ??= createHistogram(OPTIONS)).add(others.#wait);
  }

  get run(): TimeStats {
    return summary(this.#run);
  }

  get wait(): TimeStats {
    return summary(this.#wait);
  }
}
