import { Fifo } from '../../../fifo';
import { align } from '../../backend';
import { Op, Put, State, header } from '../frames';
import type { HubAccount } from './account';
import type { Custody, Peer } from './peer';

/** Messages lent ahead to an only consumer, which then need not ask for each. */
const AHEAD = 64;
const AHEAD_BYTES = 4 * 1024 * 1024;
/** How long (ms) a question whether something is there waits for a process that does not answer, as when stopped. */
const PATIENCE = 200;

export interface Item {
  readonly tag: number;
  readonly data: Uint8Array;
  /** The endpoints that it holds. */
  rights: readonly number[];
}

const NONE: readonly number[] = [];

/** What a message counts for against a bound in bytes: the same as in the native ring. */
function weight({ data }: Item): number {
  return 8 + align(data.length);
}

interface Limits {
  readonly maxItems: number;
  readonly maxBytes: number;
}

interface Putter {
  readonly peer: Peer;
  readonly request: number;
  readonly item: Item;
}

/** What one consumer has been lent and not claimed. */
class Lease {
  readonly peer: Peer;
  readonly slot: number;
  readonly items = new Fifo<Item>();
  /** Index of the next message to be lent; `lent - items.length` have been claimed. */
  lent = 0;
  /** How many of the messages lent were asked for. */
  wanted = 0;
  recalling = false;
  /** Whether it is lent what comes without asking for it. */
  standing = false;

  constructor(peer: Peer, slot: number) {
    this.peer = peer;
    this.slot = slot;
  }

  get claimed(): number {
    return this.lent - this.items.length;
  }

  get surplus(): boolean {
    return this.standing || this.items.length > this.wanted;
  }
}

/**
 * A queue in the hub. Messages are lent to those who ask, and gone when these have claimed them; what a process leaves
 * unclaimed when it ends goes to the next one. Invariants: a message is in `#items`, in one lease, or claimed, and
 * counts until it is claimed; while a lease is being recalled nothing is lent; nobody is lent more than was asked for
 * when there is another consumer. What a message holds it holds from the moment when it comes here until it is claimed;
 * then that is the claimer's.
 */
export class Line {
  readonly #endpoint: number;
  readonly #limits: Limits;
  readonly #account: HubAccount | undefined;
  readonly #custody: Custody;
  readonly #items = new Fifo<Item>();
  readonly #leases = new Map<Peer, Lease>();
  #interests: { lease: Lease; max: number }[] = [];
  readonly #putters = new Fifo<Putter>();
  readonly #watchers = new Set<Peer>();
  #afterRecall: (() => void)[] = [];
  #recalls = 0;
  #bytes = 0;
  #count = 0;
  #ended = false;

  /** @param endpoint the name of the end that receives */
  constructor(endpoint: number, limits: Limits, custody: Custody, account?: HubAccount) {
    this.#endpoint = endpoint;
    this.#custody = custody;
    this.#limits = limits;
    this.#account = account;
  }

  get size(): number {
    this.#look();
    return this.#count;
  }

  get full(): boolean {
    this.#look();
    return this.#putters.length > 0 || !this.#fits(0);
  }

  get ended(): boolean {
    return this.#ended && this.size === 0;
  }

  put(item: Item): void {
    this.#custody.take(item.rights);
    this.#admit(item);
    this.#serve();
  }

  putRequest(peer: Peer, request: number, item: Item, wait: boolean): void {
    this.#look();
    if (this.#ended) {
      peer.send(header(Op.Reply, 0, request, Put.Shut));
    } else if (this.#putters.length === 0 && this.#fits(weight(item))) {
      peer.send(header(Op.Reply, 0, request, Put.Done));
      this.put(item);
    } else if (wait) {
      this.#custody.take(item.rights);
      this.#putters.push({ peer, request, item });
    } else {
      peer.send(header(Op.Reply, 0, request, Put.GivenUp));
    }
  }

  /** A put that is done has been answered. */
  cancelPut(peer: Peer, request: number): void {
    const given = this.#putters.remove((putter) => putter.peer === peer && putter.request === request);
    if (given.length === 0) return;
    this.#dropPuts(given);
    peer.send(header(Op.Reply, 0, request, Put.GivenUp));
    this.#letIn();
  }

  get(peer: Peer, slot: number, max: number): void {
    this.#interests.push({ lease: this.#leaseOf(peer, slot), max });
    this.#collectSurplus(peer);
    this.#serve();
  }

  /** Lends what is there now, and answers with how many that are. */
  poll(peer: Peer, slot: number, max: number, request: number): void {
    const lease = this.#leaseOf(peer, slot);
    this.#collectSurplus(peer);
    this.#whenRecalled(() => {
      const lent = this.#lend(lease, Math.min(max, this.#items.length));
      peer.send(header(Op.Reply, 0, request, lent, this.ended ? State.Ended : 0));
      this.#letIn();
    });
  }

  unget(peer: Peer): void {
    this.#interests = this.#interests.filter((interest) => interest.lease.peer !== peer);
    const lease = this.#leases.get(peer);
    if (lease === undefined) return;
    lease.wanted = 0;
    lease.standing = false;
    if (this.#interests.length > 0 || this.#watchers.size > 0) this.#collectSurplus(undefined);
    this.#serve();
  }

  acknowledge(peer: Peer, claimed: number): void {
    const lease = this.#leases.get(peer);
    if (lease === undefined) return;
    this.#acknowledge(lease, claimed);
    if (lease.items.length < AHEAD / 2) this.#lendAhead();
  }

  watch(peer: Peer): void {
    this.#watchers.add(peer);
    this.#collectSurplus(peer);
    this.#tellWatchers();
  }

  /** Takes back, for the sender, all that nobody has claimed. */
  unsend(done: (items: Item[]) => void): void {
    for (const lease of this.#leases.values()) this.#recall(lease);
    this.#whenRecalled(() => {
      const items: Item[] = [];
      for (let item = this.#items.shift(); item !== undefined; item = this.#items.shift()) {
        this.#count--;
        this.#bytes -= weight(item);
        items.push(item);
      }
      done(items);
      for (const { rights } of items) this.#custody.drop(rights);
      this.#letIn();
    }, Infinity);
  }

  /** Nothing is put any more, but for what is on its way already. */
  end(): void {
    this.#ended = true;
    for (let putter = this.#putters.shift(); putter !== undefined; putter = this.#putters.shift()) {
      putter.peer.send(header(Op.Reply, 0, putter.request, Put.Shut));
      this.#dropPuts([putter]);
    }
    this.#serve();
  }

  *rights(): Generator<number> {
    for (const { rights } of this.#all()) yield* rights;
  }

  /** Nobody will receive: the messages let go of what they hold. Idempotent. */
  letGo(): void {
    const rights = [...this.rights()];
    if (rights.length === 0) return;
    for (const item of this.#all()) item.rights = NONE;
    this.#custody.drop(rights);
  }

  *#all(): Generator<Item> {
    yield* this.#items;
    for (const { items } of this.#leases.values()) yield* items;
    for (const { item } of this.#putters) yield item;
  }

  /** The peer does not receive any more, or is gone: what it was lent and has not claimed is for others. */
  drop(peer: Peer): void {
    this.#watchers.delete(peer);
    this.#dropPuts(this.#putters.remove((putter) => putter.peer === peer));
    this.#interests = this.#interests.filter((interest) => interest.lease.peer !== peer);
    const lease = this.#leases.get(peer);
    if (lease !== undefined) {
      this.#leases.delete(peer);
      if (lease.recalling) this.#recalls--;
      lease.recalling = false;
      this.#items.unshift([...lease.items]);
    }
    this.#letIn();
    this.#settleRecall();
  }

  #dropPuts(given: readonly Putter[]): void {
    for (const { item } of given) this.#custody.drop(item.rights);
  }

  // ---------------------------------------------------------------------------------------------- lending

  #leaseOf(peer: Peer, slot: number): Lease {
    let lease = this.#leases.get(peer);
    if (lease === undefined) this.#leases.set(peer, (lease = new Lease(peer, slot)));
    return lease;
  }

  #mayLendAhead(lease: Lease): boolean {
    return this.#leases.size === 1 && this.#watchers.size === 0 && !lease.recalling;
  }

  /** Lends `max` messages, and more if nobody else may want them; how many of those that were asked for. */
  #lend(lease: Lease, max: number): number {
    if (this.#recalls > 0) return 0;
    const ahead = this.#mayLendAhead(lease);
    lease.standing = ahead;
    let asked = 0;
    let bytes = 0;
    while (this.#items.length > 0) {
      if (asked >= max && !(ahead && lease.items.length < AHEAD && bytes < AHEAD_BYTES)) break;
      const item = this.#items.shift();
      if (item === undefined) break;
      if (asked < max) {
        asked++;
        lease.wanted++;
      }
      bytes += weight(item);
      lease.items.push(item);
      lease.peer.send(header(Op.Item, this.#endpoint, lease.lent, ahead ? 1 : 0, 0, item.tag), item.data);
      lease.lent = (lease.lent + 1) >>> 0;
    }
    return asked;
  }

  /** An only consumer that has asked before gets what comes. */
  #lendAhead(): void {
    if (this.#items.length === 0 || this.#leases.size !== 1) return;
    for (const lease of this.#leases.values()) {
      if (lease.standing && this.#mayLendAhead(lease) && lease.items.length < AHEAD) this.#lend(lease, 0);
    }
  }

  #serve(): void {
    while (this.#items.length > 0 && this.#recalls === 0) {
      const interest = this.#interests.shift();
      if (interest === undefined) break;
      this.#lend(interest.lease, interest.max);
    }
    if (this.#recalls > 0) return;
    this.#lendAhead();
    this.#tellEnd();
    this.#tellWatchers();
  }

  #tellEnd(): void {
    if (!this.#ended || this.#items.length > 0) return;
    for (const { lease } of this.#interests.splice(0)) lease.peer.send(header(Op.End, this.#endpoint));
    for (const lease of this.#leases.values()) {
      if (lease.standing) lease.peer.send(header(Op.End, this.#endpoint));
      lease.standing = false;
    }
  }

  #tellWatchers(): void {
    if (this.#watchers.size === 0 || (this.#items.length === 0 && !this.ended)) return;
    for (const peer of this.#watchers) peer.send(header(Op.Readable, this.#endpoint));
    this.#watchers.clear();
  }

  /** Takes note of what can be seen without being told. */
  #look(): void {
    for (const lease of this.#leases.values()) {
      const claimed = lease.items.length > 0 ? lease.peer.claimed(lease.slot) : undefined;
      if (claimed !== undefined) this.#acknowledge(lease, claimed);
    }
  }

  #acknowledge(lease: Lease, claimed: number): void {
    let news = (claimed - lease.claimed) | 0;
    if (news <= 0) return;
    for (; news > 0; news--) {
      const item = lease.items.shift();
      if (item === undefined) break;
      if (lease.wanted > 0) lease.wanted--;
      this.#account?.claimed(lease.peer);
      this.#custody.give(item.rights, lease.peer);
      this.#count--;
      this.#bytes -= weight(item);
    }
    this.#letIn();
  }

  // ---------------------------------------------------------------------------------------------- recalling

  /** What others than this peer hold without having asked for it comes back. */
  #collectSurplus(except: Peer | undefined): void {
    if (this.#leases.size < 2 && except !== undefined && this.#leases.has(except)) return;
    for (const lease of this.#leases.values())
      if (lease.peer !== except && lease.surplus) this.#recall(lease);
  }

  #recall(lease: Lease): void {
    if (lease.recalling) return;
    const { standing } = lease;
    lease.standing = false;
    if (lease.items.length === 0) {
      // There is nothing to wait for.
      if (standing) lease.peer.recall(this.#endpoint, lease.slot, lease.lent, () => undefined);
      return;
    }
    lease.recalling = true;
    this.#recalls++;
    lease.peer.recall(this.#endpoint, lease.slot, lease.lent, (claimed) => {
      if (!lease.recalling) return; // gone meanwhile
      lease.recalling = false;
      this.#recalls--;
      this.#acknowledge(lease, claimed);
      const back: Item[] = [];
      for (let item = lease.items.shift(); item !== undefined; item = lease.items.shift()) back.push(item);
      lease.wanted = 0;
      this.#items.unshift(back);
      this.#settleRecall();
    });
  }

  #settleRecall(): void {
    if (this.#recalls > 0) return;
    for (const act of this.#afterRecall.splice(0)) act();
    this.#serve();
  }

  #whenRecalled(act: () => void, patience = PATIENCE): void {
    if (this.#recalls === 0) {
      act();
      this.#serve();
      return;
    }
    let done = false;
    const timer =
      patience === Infinity
        ? undefined
        : setTimeout(() => {
            once();
          }, patience);
    const once = () => {
      if (done) return;
      done = true;
      clearTimeout(timer);
      act();
    };
    this.#afterRecall.push(once);
  }

  // ---------------------------------------------------------------------------------------------- room

  #fits(bytes: number): boolean {
    const { maxItems, maxBytes } = this.#limits;
    if (maxItems > 0 && this.#count >= maxItems) return false;
    return maxBytes === 0 || this.#count === 0 || this.#bytes + bytes <= maxBytes;
  }

  #admit(item: Item): void {
    this.#items.push(item);
    this.#account?.sent();
    this.#count++;
    this.#bytes += weight(item);
  }

  #letIn(): void {
    let any = false;
    for (let putter = this.#putters.peek(); putter !== undefined; putter = this.#putters.peek()) {
      if (!this.#fits(weight(putter.item))) break;
      this.#putters.shift();
      this.#admit(putter.item);
      putter.peer.send(header(Op.Reply, 0, putter.request, Put.Done));
      any = true;
    }
    if (any) this.#serve();
  }
}
