/** First in, first out, with both ends cheap: an array's own shift() copies what stays. */
export class Fifo<T> {
  #entries: (T | undefined)[] = [];
  #first = 0;

  get length(): number {
    return this.#entries.length - this.#first;
  }

  peek(): T | undefined {
    return this.#entries[this.#first];
  }

  push(entry: T): void {
    this.#entries.push(entry);
  }

  shift(): T | undefined {
    if (this.length === 0) return undefined;
    const entry = this.#entries[this.#first];
    this.#entries[this.#first++] = undefined;
    if (this.#first === this.#entries.length) {
      this.#entries = [];
      this.#first = 0;
    } else if (this.#first >= 1024 && this.#first * 2 > this.#entries.length) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
    return entry;
  }

  /** Puts entries in front, in their order. */
  unshift(entries: readonly T[]): void {
    if (entries.length === 0) return;
    this.#entries = [...entries, ...this.#entries.slice(this.#first)];
    this.#first = 0;
  }

  /** Takes out those that are met; what stays keeps its order. */
  remove(isMet: (entry: T) => boolean): T[] {
    const taken: T[] = [];
    const kept: T[] = [];
    for (const entry of this) (isMet(entry) ? taken : kept).push(entry);
    this.#entries = kept;
    this.#first = 0;
    return taken;
  }

  *[Symbol.iterator](): Generator<T> {
    for (let i = this.#first; i < this.#entries.length; i++) yield this.#entries[i] as T;
  }
}
