import { ownFile } from '../../own-files';
import { Outbox, threadSink } from './outbox';
import { Arrivals, type Transport } from './transport';

/** From the program's main thread to the hub's thread beside it. */
export class HubTransport extends Arrivals implements Transport {
  readonly #outbox = new Outbox(
    threadSink((memory) => {
      this.port.postMessage(memory, [memory]);
    }, queueMicrotask),
  );
  #flushingLate = false;

  constructor() {
    super(ownFile('backend/child-process/hub-thread.js'), {});
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
}
