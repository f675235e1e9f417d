import { OUTCOMES } from '../../synchronize';
import { Op, Verb, header, type Frame } from '../frames';
import { Holders, type HubObject, type Peer } from './peer';

export interface GateOrder {
  readonly kind: 'gate';
  readonly parties: number;
}

const LATE = OUTCOMES.indexOf('late');
const OPEN = OUTCOMES.indexOf('open');
const RESET = OUTCOMES.indexOf('reset');
const TIMEOUT = OUTCOMES.indexOf('timeout');
const DIED = OUTCOMES.indexOf('died');

interface Arrival {
  readonly peer: Peer;
  readonly id: number;
  readonly index: number;
  readonly group: Group;
  /** Of its wait, when that has begun. */
  request: number | undefined;
}

/** Those who meet. */
class Group {
  readonly members = new Set<Arrival>();
  /** The one that opens, when all are there. */
  last: Arrival | undefined;
  /** One has left although all were there: that will break the gate, and nobody gets through before. */
  spoilt = false;
}

/**
 * A meeting point. One group fills; full ones wait for their last member to open. Invariants: all members of a group are
 * told the same, but for those that were late; who is late has left its group for good, and until it has broken the gate
 * because of that, its end does.
 */
export class HubGate implements HubObject {
  readonly #parties: number;
  readonly #holders = new Holders();
  #filling = new Group();
  readonly #full = new Set<Group>();
  /** Outcomes of those whose wait has not begun. */
  #decided: { readonly peer: Peer; readonly id: number; readonly outcome: number }[] = [];
  readonly #late = new Set<Peer>();
  #breach = 0;

  constructor({ parties }: GateOrder) {
    this.#parties = parties;
  }

  get unused(): boolean {
    return this.#holders.empty;
  }

  hold(peer: Peer): void {
    this.#holders.add(peer);
  }

  release(peer: Peer): void {
    if (this.#holders.remove(peer)) this.#forget(peer);
  }

  drop(peer: Peer): void {
    this.#holders.drop(peer);
    this.#forget(peer);
  }

  handle(op: number, frame: Frame, peer: Peer): void {
    const { a: request, b, c } = frame;
    if (op === Op.Do) {
      this.#do(frame, peer);
    } else if (op === Op.Wait) {
      this.#wait(peer, request, b, c === 1);
    } else if (op === Op.CancelWait) {
      const arrival = this.#find((one) => one.peer === peer && one.request === request);
      if (arrival !== undefined) this.#leave(arrival);
    }
  }

  #do({ a: request, b, tag }: Frame, peer: Peer): void {
    switch (tag) {
      case Verb.Arrive:
        this.#arrive(peer, b, request);
        return;
      case Verb.Open:
        this.#open(peer, b, request);
        return;
      case Verb.Break:
        // Who was late, but in what a reset has ended since, breaks nothing.
        if (!this.#late.delete(peer) && b === TIMEOUT) return;
        this.#break(b);
        return;
      case Verb.Reset:
        this.#late.clear();
        this.#dissolve(RESET);
        this.#breach = 0;
        return;
      case Verb.Value: {
        let count = 0;
        for (const { members } of this.#groups()) count += members.size;
        peer.send(header(Op.Reply, 0, request, count, this.#breach));
      }
    }
  }

  #arrive(peer: Peer, id: number, request: number): void {
    const group = this.#filling;
    // The first index that is free: whoever was late has given up one.
    const taken = new Set([...group.members].map((member) => member.index));
    let index = 0;
    while (taken.has(index)) index++;
    const isLast = group.members.size === this.#parties - 1;
    peer.send(header(Op.Reply, 0, request, index, this.#breach, isLast ? 1 : 0));
    if (this.#breach !== 0) return;
    const arrival = { peer, id, index, group, request: undefined };
    group.members.add(arrival);
    if (!isLast) return;
    group.last = arrival;
    this.#full.add(group);
    this.#filling = new Group();
  }

  #wait(peer: Peer, request: number, id: number, waits: boolean): void {
    const decided = this.#decided.find((one) => one.peer === peer && one.id === id);
    if (decided !== undefined) {
      this.#decided = this.#decided.filter((one) => one !== decided);
      peer.send(header(Op.Reply, 0, request, decided.outcome));
      return;
    }
    const arrival = this.#find((one) => one.peer === peer && one.id === id);
    if (arrival === undefined) return;
    arrival.request = request;
    if (!waits) this.#leave(arrival);
  }

  /** Lets the group through, or tells its last member why not. */
  #open(peer: Peer, id: number, request: number): void {
    const group = [...this.#full].find(({ last }) => last?.peer === peer && last.id === id);
    if (group === undefined) {
      peer.send(header(Op.Reply, 0, request, this.#breach === 0 ? RESET : this.#breach));
    } else if (group.spoilt) {
      // It is as good as broken: who left says so next, or ends.
      this.#break(TIMEOUT);
      peer.send(header(Op.Reply, 0, request, TIMEOUT));
    } else {
      this.#full.delete(group);
      this.#tell(group, OPEN);
      peer.send(header(Op.Reply, 0, request, OPEN));
    }
  }

  /** It is late. Whoever arrives instead of it completes a group that is not full; a full one is spoilt. */
  #leave({ peer, request, group, ...rest }: Arrival): void {
    for (const member of group.members)
      if (member.peer === peer && member.id === rest.id) group.members.delete(member);
    if (this.#full.has(group)) group.spoilt = true;
    this.#late.add(peer);
    peer.send(header(Op.Reply, 0, request ?? 0, LATE));
  }

  #break(why: number): void {
    if (this.#breach === 0) this.#breach = why;
    this.#dissolve(this.#breach);
  }

  #dissolve(outcome: number): void {
    const groups = this.#groups();
    this.#filling = new Group();
    this.#full.clear();
    for (const group of groups) this.#tell(group, outcome);
  }

  #tell({ members, last }: Group, outcome: number): void {
    for (const member of members) {
      const { peer, id, request } = member;
      if (request !== undefined) peer.send(header(Op.Reply, 0, request, outcome));
      else if (member !== last) this.#decided.push({ peer, id, outcome }); // the last one hears when it opens
    }
  }

  #forget(peer: Peer): void {
    this.#decided = this.#decided.filter((one) => one.peer !== peer);
    const waits = this.#find((one) => one.peer === peer) !== undefined;
    if (this.#late.delete(peer) || waits) this.#break(DIED);
  }

  #find(isMeant: (arrival: Arrival) => boolean): Arrival | undefined {
    for (const { members } of this.#groups()) {
      for (const arrival of members) if (isMeant(arrival)) return arrival;
    }
    return undefined;
  }

  #groups(): Group[] {
    return [...this.#full, this.#filling];
  }
}
