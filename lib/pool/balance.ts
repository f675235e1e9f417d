import type { Deadline, Deadlines } from '../deadlines';
import type { Slot } from './slot';

/**
 * How long (ms) a slot that makes progress may keep what lies behind its running task while another one is idle: tasks
 * of microseconds are done before they could be taken back, given out anew and begun.
 */
const PATIENCE = 0.5;

/** Sees to it that nothing waits behind a slot's running task for long while another slot is idle. */
export class Balance {
  readonly #deadlines: Deadlines;
  readonly #concurrency: number;
  readonly #slots: () => readonly Slot[];
  readonly #isWanted: () => boolean;
  readonly #recall: (slot: Slot) => void;
  #later: Deadline | undefined;

  /**
   * @param isWanted whether an idle slot can get something only from another one
   * @param recall takes back what the slot has not started, and gives it out anew
   */
  constructor(
    deadlines: Deadlines,
    concurrency: number,
    slots: () => readonly Slot[],
    isWanted: () => boolean,
    recall: (slot: Slot) => void,
  ) {
    this.#deadlines = deadlines;
    this.#concurrency = concurrency;
    this.#slots = slots;
    this.#isWanted = isWanted;
    this.#recall = recall;
  }

  /** A slot may have become idle. */
  look(idle: Slot): void {
    if (!this.#isIdle(idle) || !this.#isWanted()) return;
    let busiest: Slot | undefined;
    for (const slot of this.#slots())
      if (slot.load > this.#concurrency && slot.load > (busiest?.load ?? 0)) busiest = slot;
    if (busiest === undefined) return;
    const left = busiest.since + PATIENCE - performance.now();
    if (left <= 0) this.#recall(busiest);
    else
      this.#later ??= this.#deadlines.set(left, () => {
        this.#later = undefined;
        const other = this.#slots().find((slot) => this.#isIdle(slot));
        if (other !== undefined) this.look(other);
      });
  }

  #isIdle(slot: Slot): boolean {
    return slot.ready && slot.load < this.#concurrency;
  }
}
