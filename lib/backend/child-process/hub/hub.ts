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
 * Handles are counted, those of messages too; endpoints that only messages hold which nobody can receive are found by a
 * search.
 */
export class Hub implements Custody {
  readonly #objects = new Map<number, HubObject>();
  /** How many handles of which endpoints. */
  readonly #heldBy = new Map<Peer, Map<number, number>>([[MESSAGES, new Map()]]);

  join(peer: Peer): void {
    this.#heldBy.set(peer, new Map());
  }

  /** The peer is gone. */
  leave(peer: Peer): void {
    const held = [...(this.#heldBy.get(peer)?.keys() ?? [])];
    this.#heldBy.delete(peer);
    for (const name of new Set(held.map(objectOf))) this.#objects.get(name)?.drop(peer);
    for (const endpoint of held) this.#look(endpoint);
  }

  /** Gives the peer a handle. */
  hold(peer: Peer, endpoint: number): void {
    const name = objectOf(endpoint);
    const object = this.#objects.get(name);
    const held = this.#heldBy.get(peer);
    if (object === undefined || held === undefined) return;
    held.set(endpoint, (held.get(endpoint) ?? 0) + 1);
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
    const count = held?.get(endpoint) ?? 0;
    if (count === 0) return;
    if (count === 1) held?.delete(endpoint);
    else held?.set(endpoint, count - 1);
    this.#objects.get(name)?.release(peer, endpoint - name);
    this.#look(endpoint);
  }

  /** Of an endpoint that has lost a handle. */
  #look(endpoint: number): void {
    const name = objectOf(endpoint);
    const object = this.#objects.get(name);
    if (object === undefined) return;
    if (object.unused) {
      this.#objects.delete(name);
      object.letGo?.();
    } else if (this.#isHeld(endpoint, MESSAGES) && !this.#isHeldByProcess(endpoint)) {
      this.#sweep();
    }
  }

  #isHeld(endpoint: number, peer: Peer): boolean {
    return this.#heldBy.get(peer)?.has(endpoint) === true;
  }

  #isHeldByProcess(endpoint: number): boolean {
    for (const peer of this.#heldBy.keys())
      if (peer !== MESSAGES && this.#isHeld(endpoint, peer)) return true;
    return false;
  }

  /** Messages that nobody can ever receive let go of what they hold. */
  #sweep(): void {
    const reached = new Set<number>();
    const found: number[] = [];
    for (const [peer, held] of this.#heldBy) if (peer !== MESSAGES) found.push(...held.keys());
    for (let endpoint = found.pop(); endpoint !== undefined; endpoint = found.pop()) {
      if (reached.has(endpoint)) continue;
      reached.add(endpoint);
      const name = objectOf(endpoint);
      found.push(...(this.#objects.get(name)?.rights?.(endpoint - name) ?? []));
    }
    const lost = [...(this.#heldBy.get(MESSAGES)?.keys() ?? [])].filter((endpoint) => !reached.has(endpoint));
    for (const endpoint of lost)
      this.#objects.get(objectOf(endpoint))?.letGo?.(endpoint - objectOf(endpoint));
  }
}
