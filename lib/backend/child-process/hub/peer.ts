import type { Frame, Header } from '../frames';

/** A process as the hub sees it. */
export interface Peer {
  /** Part of the names of all that it creates. */
  readonly connection: number;
  readonly pid: number;
  /** Frames leave in order, when what is being handled now is done. The payload is not changed afterwards. */
  send(header: Header, payload?: Uint8Array): void;
  /**
   * Makes what the peer has not claimed the hub's again, and tells how many it had claimed. Never answered if the peer
   * ends first.
   * @param lent the index that follows the last message lent
   */
  recall(endpoint: number, slot: number, lent: number, answer: (claimed: number) => void): void;
  /** How many messages the peer has claimed, if that can be seen from here. */
  claimed(slot: number): number | undefined;
}

/** Takes what a peer says. */
export type FrameHandler = (frame: Frame, peer: Peer) => void;

/** Something that several processes use. Its endpoints' names are its own name plus 0, 1 … */
export interface HubObject {
  /** One handle more. */
  hold(peer: Peer, side: number): void;
  /** One handle less. */
  release(peer: Peer, side: number): void;
  /** The peer is gone with all it had. */
  drop(peer: Peer): void;
  /** Whether nobody has a handle any more. */
  readonly unused: boolean;
  handle(op: number, frame: Frame, peer: Peer): void;
  /** The endpoints that the messages hold which can be received at this one. */
  rights?(side: number): Iterable<number>;
  /** Nobody will receive at this endpoint, or at none of them: the messages let go of what they hold. Idempotent. */
  letGo?(side?: number): void;
}

/** The handles that messages hold while they are on their way. */
export interface Custody {
  /** A message that is on its way now holds these. */
  take(rights: readonly number[]): void;
  /** It has been received: they are the peer's. */
  give(rights: readonly number[], peer: Peer): void;
  /** Nobody will receive it. */
  drop(rights: readonly number[]): void;
}

/** Counts handles by process. */
export class Holders {
  readonly #counts = new Map<Peer, number>();

  get peers(): Iterable<Peer> {
    return this.#counts.keys();
  }

  get empty(): boolean {
    return this.#counts.size === 0;
  }

  add(peer: Peer): void {
    this.#counts.set(peer, (this.#counts.get(peer) ?? 0) + 1);
  }

  /** Whether that was the peer's last handle. */
  remove(peer: Peer): boolean {
    const count = this.#counts.get(peer) ?? 0;
    if (count > 1) this.#counts.set(peer, count - 1);
    return count <= 1 && this.#counts.delete(peer);
  }

  drop(peer: Peer): boolean {
    return this.#counts.delete(peer);
  }
}
