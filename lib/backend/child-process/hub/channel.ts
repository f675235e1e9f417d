import { Op, State, header } from '../frames';
import { Line } from './line';
import { Holders, type HubFrame, type HubObject, type Peer } from './peer';

export interface ChannelOrder {
  readonly kind: 'channel';
  readonly maxItems: number;
  readonly maxBytes: number;
}

/** What each line understands, whatever it is part of. Whether it was meant for the receiving side. */
export function receive(line: Line, op: number, frame: HubFrame, peer: Peer): boolean {
  switch (op) {
    case Op.Get:
      line.get(peer, frame.a, frame.b);
      return true;
    case Op.Poll:
      line.poll(peer, frame.a, frame.b, frame.c);
      return true;
    case Op.Unget:
      line.unget(peer);
      return true;
    case Op.Ack:
      line.acknowledge(peer, frame.a);
      return true;
    case Op.Watch:
      line.watch(peer);
      return true;
    case Op.Look: {
      const state = (line.full ? State.Full : 0) | (line.ended ? State.Ended : 0);
      peer.send(header(Op.Reply, 0, frame.a, line.size, state));
      return true;
    }
    default:
      return false;
  }
}

export function send(line: Line, op: number, frame: HubFrame, peer: Peer): void {
  const item = { tag: frame.tag, data: frame.payload };
  if (op === Op.Put) line.put(item);
  else if (op === Op.PutRequest) line.putRequest(peer, frame.a, item, frame.c === 1);
  else if (op === Op.CancelPut) line.cancelPut(peer, frame.a);
}

/** One line that all holders use at either end. */
export class HubChannel implements HubObject {
  readonly #line: Line;
  readonly #holders = new Holders();

  constructor(name: number, order: ChannelOrder) {
    this.#line = new Line(name, order);
  }

  get unused(): boolean {
    return this.#holders.empty;
  }

  hold(peer: Peer): void {
    this.#holders.add(peer);
  }

  release(peer: Peer): void {
    if (this.#holders.remove(peer)) this.#line.drop(peer);
  }

  drop(peer: Peer): void {
    this.#holders.drop(peer);
    this.#line.drop(peer);
  }

  handle(op: number, frame: HubFrame, peer: Peer): void {
    if (!receive(this.#line, op, frame, peer)) send(this.#line, op, frame, peer);
  }
}
