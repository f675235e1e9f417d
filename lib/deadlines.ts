import { after } from './timer';

export interface Deadline {
  readonly due: number;
  readonly act: () => void;
  timer: NodeJS.Timeout | undefined;
}

/**
 * Timers that {@link Deadlines.fire} makes good for while the thread is blocked, when those of the event loop stand
 * still.
 */
export class Deadlines {
  readonly #open = new Set<Deadline>();
  /** Another one whenever {@link next} may have come nearer. */
  version = 0;

  /** Acts once in `ms` milliseconds; never for Infinity. */
  set(ms: number, act: () => void): Deadline | undefined {
    if (ms === Infinity) return undefined;
    const deadline: Deadline = { due: performance.now() + ms, act, timer: undefined };
    this.#arm(deadline, ms);
    this.#open.add(deadline);
    this.version++;
    return deadline;
  }

  clear(deadline: Deadline | undefined): void {
    if (deadline === undefined || !this.#open.delete(deadline)) return;
    clearTimeout(deadline.timer);
  }

  /** Milliseconds until the next one. */
  get next(): number {
    if (this.#open.size === 0) return Infinity;
    let due = Infinity;
    for (const deadline of this.#open) due = Math.min(due, deadline.due);
    return Math.max(0, due - performance.now());
  }

  /** In a forked child, where the timers are the parent's: sets all of them once more. */
  renew(): void {
    for (const deadline of this.#open) this.#arm(deadline, Math.max(0, deadline.due - performance.now()));
  }

  /** Acts on those that are due. */
  fire(): void {
    if (this.#open.size === 0) return;
    const now = performance.now();
    for (const deadline of [...this.#open]) {
      if (deadline.due > now || !this.#open.has(deadline)) continue;
      this.clear(deadline);
      deadline.act();
    }
  }

  #arm(deadline: Deadline, ms: number): void {
    deadline.timer = after(ms, () => {
      this.#open.delete(deadline);
      deadline.act();
    });
  }
}
