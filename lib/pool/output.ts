import { Readable } from 'node:stream';

/**
 * What all workers print on one stream, as it comes. Never makes a worker wait: until somebody has asked for it, it is
 * dropped, and from then on kept until it is read.
 */
export class Output {
  #stream: Readable | undefined;
  #open = 0;
  #isLast = false;

  get stream(): Readable {
    if (this.#stream === undefined) {
      this.#stream = new Readable({ read: () => undefined });
      this.#endIfOver();
    }
    return this.#stream;
  }

  /** One more worker's. */
  add(source: Readable): void {
    this.#open++;
    source.on('data', (chunk: Buffer) => this.#stream?.push(chunk));
    source.once('close', () => {
      this.#open--;
      this.#endIfOver();
    });
  }

  /** There will be no more workers. */
  last(): void {
    this.#isLast = true;
    this.#endIfOver();
  }

  #endIfOver(): void {
    if (this.#isLast && this.#open === 0 && this.#stream?.readableEnded === false) this.#stream.push(null);
  }
}
