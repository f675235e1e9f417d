import { Op, header, type Frame } from '../frames';
import { objectOf } from '../names';
import { HubChannel, type ChannelOrder } from './channel';
import { HubDuplex } from './duplex';
import { HubFlag } from './flag';
import { HubGate, type GateOrder } from './gate';
import type { Custody, HubObject, Peer } from './peer';
import { HubSemaphore, type SemaphoreOrder } from './semaphore';
import { HubWaitLine } from './wait-line';

/** What {@link Op.Create} asks for. */
export type ObjectOrder =
  ChannelOrder | SemaphoreOrder | GateOrder | { readonly kind: 'duplex' | 'flag' | 'wait-line' };

function create(name: number, order: ObjectOrder, custody: Custody): HubObject {
  switch (order.kind) {
    case 'channel':
      return new HubChannel(name, order, custody);
    case 'duplex':
      return new HubDuplex(name, custody);
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

/** Stands for all messages among those who hold something. */
const MESSAGES: Peer = {
  connection: 0,
  pid: 0,
  send: () => undefined,
  recall: () => undefined,
  claimed: () => undefined,
};

/**
 * All objects of a program, and who holds them. Knows nothing of threads and sockets.
 *
 * Invariant: an object exists as long as a process has a handle of it, or a message that a process can still receive.
 * Handles are counted, those of messages too; objects that only messages in each other hold are found by a search.
 */
export class Hub implements Custody {
  readonly #objects = new Map<number, HubObject>();
  /** How many handles of which objects. */
  readonly #heldBy = new Map<Peer, Map<number, number>>([[MESSAGES, new Map()]]);

  join(peer: Peer): void {
    this.#heldBy.set(peer, new Map());
  }

  /** The peer is gone. */
  leave(peer: Peer): void {
    const held = [...(this.#heldBy.get(peer)?.keys() ?? [])];
    this.#heldBy.delete(peer);
    for (const name of held) {
      this.#objects.get(name)?.drop(peer);
      this.#look(name);
    }
  }

  /** Gives the peer a handle. */
  hold(peer: Peer, endpoint: number): void {
    const name = objectOf(endpoint);
    const object = this.#objects.get(name);
    const held = this.#heldBy.get(peer);
    if (object === undefined || held === undefined) return;
    held.set(name, (held.get(name) ?? 0) + 1);
    object.hold(peer, endpoint - name);
  }

  handle(frame: Frame, peer: Peer): void {
    const { op, object: endpoint } = frame;
    const name = objectOf(endpoint);
    if (op === Op.Create) {
      const order = JSON.parse(frame.payload.toString()) as ObjectOrder;
      this.#objects.set(name, create(name, order, this));
      for (let side = 0; side < (order.kind === 'duplex' ? 2 : 1); side++) this.hold(peer, name + side);
    } else if (op === Op.Open) {
      this.hold(peer, endpoint);
    } else if (op === Op.Close) {
      this.#release(peer, endpoint);
      peer.send(header(Op.Reply, 0, frame.a));
    } else {
      this.#objects.get(name)?.handle(op, frame, peer);
    }
  }

  take(rights: readonly number[]): void {
    for (const endpoint of rights) this.hold(MESSAGES, endpoint);
  }

  give(rights: readonly number[], peer: Peer): void {
    for (const endpoint of rights) {
      this.hold(peer, endpoint);
      this.#release(MESSAGES, endpoint);
    }
  }

  drop(rights: readonly number[]): void {
    for (const endpoint of rights) this.#release(MESSAGES, endpoint);
  }

  #release(peer: Peer, endpoint: number): void {
    const name = objectOf(endpoint);
    const held = this.#heldBy.get(peer);
    const count = held?.get(name) ?? 0;
    if (count === 0) return;
    if (count === 1) held?.delete(name);
    else held?.set(name, count - 1);
    this.#objects.get(name)?.release(peer, endpoint - name);
    this.#look(name);
  }

  /** Of an object that has lost a handle. */
  #look(name: number): void {
    const object = this.#objects.get(name);
    if (object?.unused === true) this.#remove(name, object);
    else if (object !== undefined && !this.#isHeld(name)) this.#sweep();
  }

  #remove(name: number, object: HubObject): void {
    this.#objects.delete(name);
    object.dispose?.();
  }

  /** By a process. */
  #isHeld(name: number): boolean {
    for (const [peer, held] of this.#heldBy) if (peer !== MESSAGES && held.has(name)) return true;
    return false;
  }

  /** Removes what nobody can ever receive. */
  #sweep(): void {
    const reached = new Set<number>();
    const found: number[] = [];
    for (const [peer, held] of this.#heldBy) if (peer !== MESSAGES) found.push(...held.keys());
    for (let name = found.pop(); name !== undefined; name = found.pop()) {
      if (reached.has(name)) continue;
      reached.add(name);
      for (const endpoint of this.#objects.get(name)?.rights?.() ?? []) found.push(objectOf(endpoint));
    }
    const lost = [...this.#objects].filter(([name]) => !reached.has(name));
    for (const [name] of lost) this.#objects.delete(name); // all of them, before their messages let go of each other
    for (const [, object] of lost) object.dispose?.();
  }
}
