import { Op, header, type Frame } from '../frames';
import { objectOf } from '../names';
import { HubChannel, type ChannelOrder } from './channel';
import { HubDuplex } from './duplex';
import { HubFlag } from './flag';
import { HubGate, type GateOrder } from './gate';
import type { HubObject, Peer } from './peer';
import { HubSemaphore, type SemaphoreOrder } from './semaphore';
import { HubWaitLine } from './wait-line';

/** What {@link Op.Create} asks for. */
export type ObjectOrder =
  ChannelOrder | SemaphoreOrder | GateOrder | { readonly kind: 'duplex' | 'flag' | 'wait-line' };

function create(name: number, order: ObjectOrder): HubObject {
  switch (order.kind) {
    case 'channel':
      return new HubChannel(name, order);
    case 'duplex':
      return new HubDuplex(name);
    case 'semaphore':
      return new HubSemaphore(order);
    case 'flag':
      return new HubFlag();
    case 'wait-line':
      return new HubWaitLine();
    case 'gate':
      return new HubGate(order);
  }
}

/** All objects of a program, and who holds them. Knows nothing of threads and sockets. */
export class Hub {
  readonly #objects = new Map<number, HubObject>();
  readonly #heldBy = new Map<Peer, Set<number>>();

  join(peer: Peer): void {
    this.#heldBy.set(peer, new Set());
  }

  /** The peer is gone. */
  leave(peer: Peer): void {
    const held = this.#heldBy.get(peer) ?? [];
    this.#heldBy.delete(peer);
    for (const name of held) {
      const object = this.#objects.get(name);
      object?.drop(peer);
      if (object?.unused === true) this.#objects.delete(name);
    }
  }

  /** Gives the peer a handle. */
  hold(peer: Peer, endpoint: number): void {
    const name = objectOf(endpoint);
    this.#heldBy.get(peer)?.add(name);
    this.#objects.get(name)?.hold(peer, endpoint - name);
  }

  handle(frame: Frame, peer: Peer): void {
    const { op, object: endpoint } = frame;
    const name = objectOf(endpoint);
    if (op === Op.Create) {
      const order = JSON.parse(frame.payload.toString()) as ObjectOrder;
      this.#objects.set(name, create(name, order));
      for (let side = 0; side < (order.kind === 'duplex' ? 2 : 1); side++) this.hold(peer, name + side);
      return;
    }
    const object = this.#objects.get(name);
    if (op === Op.Open) {
      this.hold(peer, endpoint);
    } else if (op === Op.Close) {
      object?.release(peer, endpoint - name);
      if (object?.unused === true) this.#objects.delete(name);
      peer.send(header(Op.Reply, 0, frame.a));
    } else {
      object?.handle(op, frame, peer);
    }
  }
}
