import type { Duplex as Stream } from 'node:stream';
import { FrameSplitter, Op, eachFrame, header, type Header } from '../frames';
import { Outbox } from '../outbox';
import type { FrameHandler, Peer } from './peer';

/** A child: what its main thread says comes on one stream, and a second one leads to its helper thread and back. */
export class SocketPeer implements Peer {
  readonly connection: number;
  readonly pid: number;
  readonly #outbox: Outbox;
  /** By slot, in the order in which they will be answered. */
  readonly #recalls = new Map<number, ((claimed: number) => void)[]>();

  constructor(connection: number, pid: number, helper: Stream, main: Stream, handle: FrameHandler) {
    this.connection = connection;
    this.pid = pid;
    this.#outbox = new Outbox({
      writeBatch: (frames) => {
        if (!helper.destroyed) helper.write(Buffer.from(frames));
      },
      writeLarge: (head, payload) => {
        if (helper.destroyed) return;
        helper.cork();
        helper.write(Buffer.from(head));
        helper.write(payload);
        helper.uncork();
      },
      later: setImmediate,
    });
    const take = new FrameSplitter((bytes) => {
      eachFrame(bytes, (frame) => {
        if (frame.op === Op.Recalled) this.#recalled(frame.a, frame.b);
        else handle(frame, this);
      });
    });
    const takeFromHelper = new FrameSplitter((bytes) => {
      eachFrame(bytes, (frame) => {
        this.#recalled(frame.a, frame.b);
      });
    });
    main.on('data', (chunk: Buffer) => {
      take.push(chunk);
    });
    helper.on('data', (chunk: Buffer) => {
      takeFromHelper.push(chunk);
    });
    // Its end is told by the process, not by its streams.
    for (const stream of [helper, main]) stream.on('error', () => undefined);
  }

  send(of: Header, payload?: Uint8Array): void {
    this.#outbox.post(of, payload);
    this.#outbox.flushLater();
  }

  recall(endpoint: number, slot: number, lent: number, answer: (claimed: number) => void): void {
    const recalls = this.#recalls.get(slot);
    if (recalls === undefined) this.#recalls.set(slot, [answer]);
    else recalls.push(answer);
    this.send(header(Op.Recall, endpoint, slot, lent));
  }

  claimed(): undefined {
    return undefined; // it tells
  }

  #recalled(slot: number, claimed: number): void {
    const recalls = this.#recalls.get(slot);
    const answer = recalls?.shift();
    if (recalls?.length === 0) this.#recalls.delete(slot);
    answer?.(claimed);
  }
}
