import { after } from '../timer';
import type { Slot } from './slot';

/** Finds slots that have had nothing to do for a while. Costs one timer, however often they come and go. */
export class IdleWatch {
  readonly #limit: number;
  readonly #found: (slot: Slot) => void;
  readonly #since = new Map<Slot, number>();
  #timer: NodeJS.Timeout | undefined;

  /** @param limit milliseconds; Infinity finds none */
  constructor(limit: number, found: (slot: Slot) => void) {
    this.#limit = limit;
    this.#found = found;
  }

  /** It has nothing to do, as of now. */
  idle(slot: Slot): void {
    if (this.#limit === Infinity) return;
    this.#since.set(slot, performance.now());
    if (this.#timer === undefined) this.#arm(this.#limit);
  }

  forget(slot: Slot): void {
    this.#since.delete(slot);
    if (this.#since.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  #arm(ms: number): void {
    this.#timer = after(ms, () => {
      this.#look();
    })?.unref();
  }

  #look(): void {
    this.#timer = undefined;
    const now = performance.now();
    let next = Infinity;
    for (const [slot, since] of [...this.#since]) {
      if (slot.load > 0) {
        this.#since.delete(slot); // it will be told again
      } else if (now - since >= this.#limit) {
        this.#since.delete(slot);
        this.#found(slot);
      } else {
        next = Math.min(next, since + this.#limit - now);
      }
    }
    if (next < Infinity) this.#arm(Math.ceil(next));
  }
}
