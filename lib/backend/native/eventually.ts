import { Status } from './addon';
import { reactor, type Later } from './reactor';
import { failure } from './status';

/**
 * Does short things that need a lock: at once, or, if its holder is stopped, as soon as possible and in order. A timer
 * holds the event loop meanwhile.
 */
export class Eventually {
  readonly #acts: (() => number)[] = [];
  #delay = 1;
  #retry: Later | undefined;

  /** The status of the attempt; Busy: it will be made again. Throws what no other attempt can mend. */
  attempt(act: () => number): number {
    const status = this.#acts.length > 0 ? Status.Busy : act();
    if (status > Status.Busy) throw failure(status);
    if (status === Status.Busy && this.#acts.push(act) === 1) this.#later();
    return status;
  }

  /** Gives up what has not been done. */
  close(): void {
    this.#acts.length = 0;
    if (this.#retry !== undefined) reactor.cancel(this.#retry);
  }

  #later(): void {
    this.#retry = reactor.later(this.#delay, () => {
      this.#retry = undefined;
      this.#again();
    });
    this.#delay = Math.min(50, 2 * this.#delay);
  }

  #again(): void {
    while (this.#acts[0] !== undefined) {
      if (this.#acts[0]() === Status.Busy) {
        this.#later();
        return;
      }
      this.#acts.shift();
    }
    this.#delay = 1;
  }
}
