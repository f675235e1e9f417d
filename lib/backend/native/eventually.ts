import type { Deadline } from '../../deadlines';
import { whenForked } from '../../forked';
import { Status } from './addon';
import { reactor } from './reactor';
import { failure } from './status';

/** How long (ms) the end of a handle or of the process waits for what has not been done. */
const PATIENCE = 1000;

/**
 * Does short things that need a lock: at once, or, if its holder does not get on, as soon as possible and in order. A
 * timer holds the event loop meanwhile.
 */
export class Eventually {
  readonly #acts: (() => number)[] = [];
  #delay = 1;
  #retry: Deadline | undefined;

  /** The status of the attempt; Busy: it will be made again. Throws what no other attempt can mend. */
  attempt(act: () => number): number {
    const status = this.#acts.length > 0 ? Status.Busy : act();
    if (status > Status.Busy) throw failure(status);
    if (status === Status.Busy && this.#acts.push(act) === 1) {
      doAtExit(this);
      this.#later();
    }
    return status;
  }

  /** The last opportunity: blocks for a moment if need be. */
  close(): void {
    const end = performance.now() + PATIENCE;
    while (!this.#done() && performance.now() < end); // each attempt waits for the lock
    this.#acts.length = 0;
    unfinished.delete(this);
    reactor.deadlines.clear(this.#retry);
    this.#retry = undefined;
  }

  /** In a forked child. The deadline finds nothing to do. */
  forget(): void {
    this.#acts.length = 0;
  }

  #later(): void {
    this.#retry = reactor.deadlines.set(this.#delay, () => {
      this.#retry = undefined;
      if (!this.#done()) this.#later();
    });
    this.#delay = Math.min(50, 2 * this.#delay);
  }

  #done(): boolean {
    while (this.#acts[0] !== undefined) {
      if (this.#acts[0]() === Status.Busy) return false;
      this.#acts.shift();
    }
    this.#delay = 1;
    unfinished.delete(this);
    return true;
  }
}

const unfinished = new Set<Eventually>();
let listening = false;

whenForked(() => {
  for (const each of unfinished) each.forget(); // the parent will do it
  unfinished.clear();
  listening = false;
});

function doAtExit(eventually: Eventually): void {
  unfinished.add(eventually);
  if (listening) return;
  listening = true;
  process.on('exit', () => {
    for (const each of unfinished) each.close();
  });
}
