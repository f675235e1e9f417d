import { Op, header, type Frame } from '../frames';
import { receive, send } from './channel';
import { Line } from './line';
import { Holders, type Custody, type HubObject, type Peer } from './peer';

const UNBOUNDED = { maxItems: 0, maxBytes: 0 };

/** Two lines, from each end to the other. An end is gone when no process holds it any more. */
export class HubDuplex implements HubObject {
  readonly #name: number;
  readonly #holders = [new Holders(), new Holders()] as const;
  /** The line from which side 0 receives, and that of side 1. */
  readonly #incoming: readonly [Line, Line];
  readonly #gone = [false, false];

  constructor(name: number, custody: Custody) {
    this.#name = name;
    this.#incoming = [new Line(name, UNBOUNDED, custody), new Line(name + 1, UNBOUNDED, custody)];
  }

  get unused(): boolean {
    return this.#holders[0].empty && this.#holders[1].empty;
  }

  hold(peer: Peer, side: number): void {
    this.#at(this.#holders, side).add(peer);
    if (this.#gone[1 - side] === true) peer.send(header(Op.Gone, this.#name + side));
  }

  rights(side: number): Iterable<number> {
    return this.#at(this.#incoming, side).rights();
  }

  letGo(side?: number): void {
    for (const [at, line] of this.#incoming.entries()) if (side === undefined || side === at) line.letGo();
  }

  release(peer: Peer, side: number): void {
    if (!this.#at(this.#holders, side).remove(peer)) return;
    this.#at(this.#incoming, side).drop(peer);
    this.#look(side);
  }

  drop(peer: Peer): void {
    for (const side of [0, 1]) {
      if (!this.#at(this.#holders, side).drop(peer)) continue;
      this.#at(this.#incoming, side).drop(peer);
      this.#look(side);
    }
  }

  handle(op: number, frame: Frame, peer: Peer): void {
    const side = frame.object - this.#name;
    if (receive(this.#at(this.#incoming, side), op, frame, peer)) return;
    const outgoing = this.#at(this.#incoming, 1 - side);
    if (op === Op.Unsend) {
      outgoing.unsend((items) => {
        for (const { tag, data } of items) peer.send(header(Op.Unsent, 0, frame.a, 0, 0, tag), data);
        peer.send(header(Op.Reply, 0, frame.a, items.length));
      });
    } else {
      // Also when nobody will receive: the sender, who cannot know yet, may take it back.
      send(outgoing, op, frame, peer);
      if (this.#gone[1 - side] === true) outgoing.letGo();
    }
  }

  /** Tells the other side if this one is gone. What it has sent is still received. */
  #look(side: number): void {
    if (!this.#at(this.#holders, side).empty || this.#gone[side]) return;
    this.#gone[side] = true;
    const other = 1 - side;
    for (const peer of this.#at(this.#holders, other).peers) peer.send(header(Op.Gone, this.#name + other));
    this.#at(this.#incoming, other).end();
    this.#at(this.#incoming, side).letGo();
  }

  #at<T>(pair: readonly [T, T], side: number): T {
    return side === 0 ? pair[0] : pair[1];
  }
}
