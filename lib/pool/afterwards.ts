/**
 * Keeps for later what must not happen while a message is being read: closing takes the ring away, and encoding would
 * mix two messages. Needs no event loop, so it works in calls that block the thread too.
 */
export class Afterwards {
  #reading = 0;
  #acts: (() => void)[] = [];

  reading<T>(read: () => T): T {
    this.#reading++;
    try {
      return read();
    } finally {
      if (--this.#reading === 0) for (const act of this.#acts.splice(0)) act();
    }
  }

  /** Acts at once, unless something is being read. */
  do(act: () => void): void {
    if (this.#reading === 0) act();
    else this.#acts.push(act);
  }
}
