import { Readable } from 'node:stream';

/** What a child writes to one of its streams, as the hub hands it on. */
export class HubOutput {
  readonly #hold: (delta: 1 | -1) => void;
  #hasEnded = false;
  #holds = false;
  readonly #stream = new Readable({
    read: () => undefined,
    destroy: (error, done) => {
      this.end();
      done(error);
    },
  });

  constructor(hold: (delta: 1 | -1) => void) {
    this.#hold = hold;
  }

  get hasEnded(): boolean {
    return this.#hasEnded;
  }

  stream(held: boolean): Readable {
    if (held && !this.#holds && !this.#hasEnded) {
      this.#holds = true;
      this.#hold(1);
    }
    return this.#stream;
  }

  push(part: Buffer): void {
    if (!this.#stream.destroyed) this.#stream.push(Buffer.from(part));
  }

  /** Nothing follows. */
  end(): void {
    if (this.#hasEnded) return;
    this.#hasEnded = true;
    if (!this.#stream.destroyed) this.#stream.push(null);
    if (this.#holds) this.#hold(-1);
    this.#holds = false;
  }
}
