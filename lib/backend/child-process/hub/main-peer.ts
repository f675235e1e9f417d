import type { MessagePort } from 'node:worker_threads';
import { announce, recall } from '../control';
import { FrameBatch, NO_PAYLOAD, Op, header, wholeFrame, type Header } from '../frames';
import type { Peer } from './peer';

/** The main thread of the program that the hub itself is in: they share memory. */
export class MainPeer implements Peer {
  readonly connection = 1;
  readonly pid = process.pid;
  readonly #port: MessagePort;
  readonly #control: Int32Array;
  readonly #batch = new FrameBatch();
  #flushing = false;

  constructor(port: MessagePort, control: Int32Array) {
    this.#port = port;
    this.#control = control;
  }

  send(of: Header, payload: Uint8Array = NO_PAYLOAD): void {
    if (!this.#batch.hasRoom(payload.length)) {
      this.#flush();
      if (!this.#batch.hasRoom(payload.length)) {
        this.#post(wholeFrame(of, payload));
        return;
      }
    }
    this.#batch.add(of, payload);
    if (this.#flushing) return;
    this.#flushing = true;
    queueMicrotask(() => {
      this.#flushing = false;
      this.#flush();
    });
  }

  recall(endpoint: number, slot: number, lent: number, answer: (claimed: number) => void): void {
    this.send(header(Op.Recall, endpoint, slot, lent));
    answer(recall(this.#control, slot, lent));
  }

  claimed(slot: number): number {
    return Atomics.load(this.#control, slot) >>> 0;
  }

  #flush(): void {
    if (this.#batch.length > 0) this.#post(Buffer.from(new Uint8Array(this.#batch.take()).buffer));
  }

  #post(bytes: Buffer): void {
    const memory = bytes.buffer as ArrayBuffer;
    this.#port.postMessage(memory, [memory]);
    announce(this.#control);
  }
}
