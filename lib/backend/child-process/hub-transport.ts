import { join } from 'node:path';
import { FrameBatch, NO_PAYLOAD, wholeFrame, type Header } from './frames';
import { Arrivals, type Transport } from './transport';

/** From the program's main thread to the hub's thread beside it. */
export class HubTransport extends Arrivals implements Transport {
  readonly #batch = new FrameBatch();
  #flushing = false;
  #flushingLate = false;

  constructor() {
    super(join(__dirname, 'hub-thread.js'), {});
  }

  post(of: Header, payload = NO_PAYLOAD, length = payload.length, start = 0): void {
    if (!this.#batch.hasRoom(length)) {
      this.flush();
      if (!this.#batch.hasRoom(length)) {
        this.#send(wholeFrame(of, payload, length, start));
        return;
      }
    }
    this.#batch.add(of, payload, length, start);
  }

  flush(): void {
    if (this.#batch.length > 0) this.#send(new Uint8Array(this.#batch.take()));
  }

  flushSoon(): void {
    if (this.#flushing || this.#batch.length === 0) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.flush();
    });
  }

  // If this process is lost, so is everything.
  flushLate(): void {
    if (this.#flushingLate || this.#batch.length === 0) return;
    this.#flushingLate = true;
    setImmediate(() => {
      this.#flushingLate = false;
      this.flush();
    });
  }

  #send(bytes: Uint8Array): void {
    const memory = bytes.buffer as ArrayBuffer;
    this.port.postMessage(memory, [memory]);
  }
}
