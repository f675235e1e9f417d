import { AsyncResource } from 'node:async_hooks';

/** How far a call has come. */
export interface ProgressReport {
  /** Tasks with an outcome. */
  readonly done: number;
  /** All tasks, if that is known. */
  readonly total: number | undefined;
  /** Tasks a second, since the call. */
  readonly rate: number;
  /** Milliseconds that the rest will take at this rate, if the total is known. */
  readonly eta: number | undefined;
  /** What a task said last with `currentTask().progress(value)`. */
  readonly value: unknown;
  /** All that tasks said since the last report, in order. */
  readonly values: readonly unknown[];
}

/** true: a bar on stderr if that is a terminal; or what is called with each report. */
export type ProgressOption = boolean | ((report: ProgressReport) => void);

/** How often (ms) the bar is drawn. */
const DRAW_INTERVAL = 100;
const WIDTH = 30;

/** Counts the outcomes of a call. Tells the user of many at once, and never from inside the library. */
export class Progress {
  readonly #tell: (report: ProgressReport) => void;
  readonly #began = performance.now();
  #total: number | undefined;
  #done = 0;
  #value: unknown;
  #values: unknown[] = [];
  #due = false;

  /** undefined if nobody wants to know. */
  static of(option: ProgressOption | undefined, total: number | undefined): Progress | undefined {
    if (option === undefined || option === false) return undefined;
    if (option !== true) return new Progress(AsyncResource.bind(option), total);
    return process.stderr.isTTY ? new Progress(drawBar(), total) : undefined;
  }

  private constructor(tell: (report: ProgressReport) => void, total: number | undefined) {
    this.#tell = tell;
    this.#total = total;
  }

  /** One more outcome. */
  step(): void {
    this.#done++;
    this.#soon();
  }

  said(value: unknown): void {
    this.#value = value;
    this.#values.push(value);
    this.#soon();
  }

  /** There will be no more. */
  ended(total: number): void {
    this.#total = total;
    this.#soon();
  }

  #soon(): void {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      this.#tell(this.#report());
    });
  }

  #report(): ProgressReport {
    const seconds = (performance.now() - this.#began) / 1000;
    const rate = seconds > 0 ? this.#done / seconds : 0;
    const left = this.#total === undefined ? undefined : this.#total - this.#done;
    const eta =
      left === undefined || (rate === 0 && left > 0) ? undefined : left === 0 ? 0 : (1000 * left) / rate;
    const values = this.#values;
    this.#values = [];
    return { done: this.#done, total: this.#total, rate, eta, value: this.#value, values };
  }
}

function drawBar(): (report: ProgressReport) => void {
  let drawnAt = -Infinity;
  let isOver = false;
  return ({ done, total, rate, eta }) => {
    const ends = done === total;
    if (isOver || (!ends && performance.now() - drawnAt < DRAW_INTERVAL)) return;
    drawnAt = performance.now();
    isOver = ends;
    const filled = total === undefined ? 0 : Math.round((WIDTH * done) / Math.max(1, total));
    const bar = `${'#'.repeat(filled)}${' '.repeat(WIDTH - filled)}`;
    const left = eta === undefined ? '' : ` ${Math.ceil(eta / 1000)} s left`;
    const of = total === undefined ? '' : `/${total}`;
    process.stderr.write(`\r[${bar}] ${done}${of} ${rate.toFixed(0)}/s${left}\u001b[K${ends ? '\n' : ''}`);
  };
}
