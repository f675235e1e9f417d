/** Back-pressure: who wants to hand in more than may wait. */
export class Room {
  readonly #limit: number;
  readonly #pending: () => number;
  readonly #drained: () => void;
  #waiting: (() => void)[] = [];
  #refused = false;

  /**
   * @param limit most tasks that wait; Infinity for any number
   * @param pending how many do
   * @param drained is told when somebody was refused or made to wait, and there is room again
   */
  constructor(limit: number, pending: () => number, drained: () => void) {
    this.#limit = limit;
    this.#pending = pending;
    this.#drained = drained;
  }

  isLeft(): boolean {
    return this.#limit === Infinity || this.#pending() < this.#limit;
  }

  /** Somebody was sent away. */
  refuse(): void {
    this.#refused = true;
  }

  /** Calls back once there is room; maybe while the thread is blocked, never while a message is read. */
  whenLeft(act: () => void): void {
    this.#refused = true;
    this.#waiting.push(act);
  }

  /** Tasks were started or are done. */
  look(): void {
    if (!this.#refused || !this.isLeft()) return;
    const waiting = this.#waiting.splice(0);
    while (waiting.length > 0 && this.isLeft()) waiting.shift()?.();
    this.#waiting.unshift(...waiting);
    if (this.#waiting.length > 0) return;
    this.#refused = false;
    this.#drained();
  }

  /** All that wait go on now: there is nothing to wait for any more. */
  giveUp(): void {
    for (const act of this.#waiting.splice(0)) act();
  }
}
