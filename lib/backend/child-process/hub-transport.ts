import { join } from 'node:path';
import { wholeFrame } from './frames';
import { Outbox } from './outbox';
import { Arrivals, type Transport } from './transport';

/** From the program's main thread to the hub's thread beside it. */
export class HubTransport extends Arrivals implements Transport {
  readonly #outbox = new Outbox({
    writeBatch: (frames) => {
      this.#post(new Uint8Array(frames));
    },
    writeLarge: (head, payload) => {
      this.#post(wholeFrame(head, payload));
    },
    later: queueMicrotask,
  });
  #flushingLate = false;

  constructor() {
    super(join(__dirname, 'hub-thread.js'), {});
  }

  post(...frame: Parameters<Outbox['post']>): void {
    this.#outbox.post(...frame);
  }

  flush(): void {
    this.#outbox.flush();
  }

  flushSoon(): void {
    this.#outbox.flushLater();
  }

  // If this process is lost, so is everything.
  flushLate(): void {
    if (this.#flushingLate || this.#outbox.empty) return;
    this.#flushingLate = true;
    setImmediate(() => {
      this.#flushingLate = false;
      this.flush();
    });
  }

  #post(bytes: Uint8Array): void {
    const memory = bytes.buffer as ArrayBuffer;
    this.port.postMessage(memory, [memory]);
  }
}
