import type { MessagePort } from 'node:worker_threads';
import { announce, recall } from '../control';
import { Op, header, type Header } from '../frames';
import { Outbox, threadSink } from '../outbox';
import type { Peer } from './peer';

/** The main thread of the program that the hub itself is in: they share memory. */
export class MainPeer implements Peer {
  readonly connection = 1;
  readonly pid = process.pid;
  readonly #port: MessagePort;
  readonly #control: Int32Array;
  readonly #outbox = new Outbox(
    threadSink((memory) => {
      this.#port.postMessage(memory, [memory]);
      announce(this.#control);
    }, setImmediate),
  );

  constructor(port: MessagePort, control: Int32Array) {
    this.#port = port;
    this.#control = control;
  }

  send(of: Header, payload?: Uint8Array): void {
    this.#outbox.post(of, payload);
    this.#outbox.flushLater();
  }

  recall(endpoint: number, slot: number, lent: number, answer: (claimed: number) => void): void {
    this.send(header(Op.Recall, endpoint, slot, lent));
    answer(recall(this.#control, slot, lent));
  }

  claimed(slot: number): number {
    return Atomics.load(this.#control, slot) >>> 0;
  }
}
