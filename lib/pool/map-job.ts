import type { Sink } from './task';

/** What `settled: true` gives for an outcome. */
export function settledResult(ok: boolean, value: unknown): PromiseSettledResult<unknown> {
  return ok ? { status: 'fulfilled', value } : { status: 'rejected', reason: value };
}

/** Collects the outcomes of all items of a map, in their order; the first error is the outcome of the whole. */
export class MapJob implements Sink {
  readonly #results: unknown[];
  #open: number;
  readonly #settled: boolean;
  readonly #outcome: Sink;
  readonly #giveUp: () => void;
  #failed = false;

  /** @param giveUp drops what has not started */
  constructor(count: number, settled: boolean, outcome: Sink, giveUp: () => void) {
    this.#results = new Array<unknown>(count);
    this.#open = count;
    this.#settled = settled;
    this.#outcome = outcome;
    this.#giveUp = giveUp;
  }

  settle(index: number, ok: boolean, value: unknown): void {
    if (this.#failed) return;
    if (!ok && !this.#settled) {
      this.#failed = true;
      this.#outcome.settle(0, false, value);
      this.#giveUp();
      return;
    }
    this.#results[index] = this.#settled ? settledResult(ok, value) : value;
    if (--this.#open === 0) this.#outcome.settle(0, true, this.#results);
  }
}
