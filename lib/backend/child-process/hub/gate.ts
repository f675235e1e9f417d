import { OUTCOMES } from '../../synchronize';
import { Op, Verb, header } from '../frames';
import { Holders, type HubFrame, type HubObject, type Peer } from './peer';

export interface GateOrder {
  readonly kind: 'gate';
  readonly parties: number;
}

const OPEN = OUTCOMES.indexOf('open');
const RESET = OUTCOMES.indexOf('reset');
const DIED = OUTCOMES.indexOf('died');

interface Arrival {
  readonly peer: Peer;
  readonly id: number;
  readonly generation: number;
  request: number | undefined;
  /** 0 until it is known. */
  outcome: number;
}

/** A meeting point. Who has arrived stays in the list until its process has been told what became of it. */
export class HubGate implements HubObject {
  readonly #parties: number;
  readonly #holders = new Holders();
  #arrivals: Arrival[] = [];
  /** Of those who arrive now. */
  #generation = 0;
  #count = 0;
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

  handle(op: number, frame: HubFrame, peer: Peer): void {
    const { a: request, b, c } = frame;
    if (op === Op.Do) {
      this.#do(frame, peer);
      return;
    }
    const arrival = this.#arrivals.find(
      (one) => one.peer === peer && (op === Op.Wait ? one.id === b : one.request === request),
    );
    if (arrival === undefined) return;
    if (op === Op.Wait) {
      arrival.request = request;
      if (arrival.outcome !== 0) this.#tell(arrival);
      else if (c === 0) this.#late(arrival);
    } else if (op === Op.CancelWait) {
      this.#late(arrival);
    }
  }

  #do({ a: request, b, tag }: HubFrame, peer: Peer): void {
    switch (tag) {
      case Verb.Arrive:
        this.#arrive(peer, b, request);
        return;
      case Verb.Open: {
        const last = this.#arrivals.find((one) => one.peer === peer && one.id === b);
        if (last !== undefined) this.#decide((one) => one.generation === last.generation, OPEN);
        this.#arrivals = this.#arrivals.filter((one) => one !== last);
        return;
      }
      case Verb.Break:
        this.#break(b);
        return;
      case Verb.Reset:
        this.#decide(() => true, RESET);
        this.#breach = 0;
        this.#count = 0;
        this.#generation++;
        return;
      case Verb.Value:
        peer.send(header(Op.Reply, 0, request, this.#breach === 0 ? this.#count : 0, this.#breach));
    }
  }

  #arrive(peer: Peer, id: number, request: number): void {
    const isLast = this.#count === this.#parties - 1;
    peer.send(header(Op.Reply, 0, request, this.#count, this.#breach, isLast ? 1 : 0));
    if (this.#breach !== 0) return;
    this.#arrivals.push({ peer, id, generation: this.#generation, request: undefined, outcome: 0 });
    if (++this.#count < this.#parties) return;
    this.#count = 0;
    this.#generation++;
  }

  #break(why: number): void {
    if (this.#breach === 0) this.#breach = why;
    this.#decide(() => true, why);
  }

  #decide(isMeant: (arrival: Arrival) => boolean, outcome: number): void {
    for (const arrival of this.#arrivals.slice()) {
      if (arrival.outcome !== 0 || !isMeant(arrival)) continue;
      arrival.outcome = outcome;
      if (arrival.request !== undefined) this.#tell(arrival);
    }
  }

  #tell(arrival: Arrival): void {
    this.#arrivals = this.#arrivals.filter((other) => other !== arrival);
    arrival.peer.send(header(Op.Reply, 0, arrival.request ?? 0, arrival.outcome));
  }

  /** The wait is over, the arrival is not. */
  #late(arrival: Arrival): void {
    arrival.peer.send(header(Op.Reply, 0, arrival.request ?? 0, 0));
    arrival.request = undefined;
  }

  #forget(peer: Peer): void {
    const left = this.#arrivals.some((one) => one.peer === peer && one.outcome === 0);
    this.#arrivals = this.#arrivals.filter((one) => one.peer !== peer);
    if (left) this.#break(DIED);
  }
}
