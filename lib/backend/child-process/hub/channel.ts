import { Op, State, header, type Frame } from '../frames';
import { HubAccount } from './account';
import { Line } from './line';
import { rightsOf } from '../rights';
import { Holders, type Custody, type HubObject, type Peer } from './peer';

export interface ChannelOrder {
  readonly kind: 'channel';
  readonly maxItems: number;
  readonly maxBytes: number;
  readonly joinable: boolean;
}

/** What each line understands, whatever it is part of. Whether it was meant for the receiving side. */
export function receive(line: Line, op: number, frame: Frame, peer: Peer): boolean {
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

export function send(line: Line, op: number, frame: Frame, peer: Peer): void {
  const item = { tag: frame.tag, data: frame.payload, rights: rightsOf(frame.tag, frame.payload) };
  if (op === Op.Put) line.put(item);
  else if (op === Op.PutRequest) line.putRequest(peer, frame.a, item, frame.c === 1);
  else if (op === Op.CancelPut) line.cancelPut(peer, frame.a);
}

/** One line that all holders use at either end. */
export class HubChannel implements HubObject {
  readonly #name: number;
  readonly #line: Line;
  readonly #account: HubAccount | undefined;
  readonly #holders = new Holders();
  #isShut = false;

  constructor(name: number, order: ChannelOrder, custody: Custody) {
    this.#name = name;
    this.#account = order.joinable ? new HubAccount() : undefined;
    this.#line = new Line(name, order, custody, this.#account);
  }

  get unused(): boolean {
    return this.#holders.empty;
  }

  hold(peer: Peer): void {
    this.#holders.add(peer);
    if (this.#isShut) peer.send(header(Op.Shut, this.#name));
  }

  rights(): Iterable<number> {
    return this.#line.rights();
  }

  letGo(): void {
    this.#line.letGo();
  }

  release(peer: Peer): void {
    if (this.#holders.remove(peer)) this.#line.drop(peer);
  }

  drop(peer: Peer): void {
    this.#holders.drop(peer);
    this.#line.drop(peer);
    this.#account?.drop(peer);
  }

  handle(op: number, frame: Frame, peer: Peer): void {
    if (receive(this.#line, op, frame, peer)) return;
    if (op === Op.Shutdown) this.#shutdown(frame.b === 1);
    else if (op === Op.Done) this.#account?.done(peer, frame.a);
    else if (op === Op.Join) this.#account?.join(peer, frame.a, frame.c === 1);
    else if (op === Op.CancelJoin) this.#account?.cancel(peer, frame.a);
    else send(this.#line, op, frame, peer);
  }

  /** What is on its way here from who cannot know yet was sent before. */
  #shutdown(immediate: boolean): void {
    this.#isShut = true;
    for (const peer of this.#holders.peers) peer.send(header(Op.Shut, this.#name));
    this.#line.end();
    if (immediate) this.#line.unsend((items) => this.#account?.dropped(items.length));
  }
}
