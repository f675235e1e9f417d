import { Op, Verb, header, type Frame } from '../frames';
import { Holders, type HubObject, type Peer } from './peer';

interface Place {
  readonly peer: Peer;
  readonly id: number;
  /** How many had entered before. */
  readonly number: number;
  /** How many had entered when it was notified; 0 until then. */
  notified: number;
  /** Of the wait for it, when that has begun. */
  request: number | undefined;
}

/**
 * Places, oldest first. One that was notified stays until its process has left with it: if that ends before, the notification
 * goes to the next one of those who were in the line when it was made.
 */
export class HubWaitLine implements HubObject {
  readonly #holders = new Holders();
  #places: Place[] = [];
  #entered = 0;

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

  handle(op: number, { a: request, b, c, tag }: Frame, peer: Peer): void {
    if (op === Op.Wait) {
      const place = this.#find((one) => one.peer === peer && one.id === b);
      if (place === undefined) return;
      place.request = request;
      if (place.notified > 0) peer.send(header(Op.Reply, 0, request, 1));
      else if (c === 0) this.#giveUp(place);
    } else if (op === Op.CancelWait) {
      const place = this.#find((one) => one.peer === peer && one.request === request);
      if (place?.notified === 0) this.#giveUp(place);
    } else if (op === Op.Do && tag === Verb.Enter) {
      this.#places.push({ peer, id: b, number: this.#entered++, notified: 0, request: undefined });
    } else if (op === Op.Do && tag === Verb.Notify) {
      this.#notify(b, this.#entered);
    } else if (op === Op.Do && tag === Verb.Noticed) {
      this.#remove((place) => place.peer === peer && place.id === b, c === 1);
    }
  }

  #find(isMeant: (place: Place) => boolean): Place | undefined {
    return this.#places.find(isMeant);
  }

  #giveUp(place: Place): void {
    this.#places = this.#places.filter((other) => other !== place);
    place.peer.send(header(Op.Reply, 0, place.request ?? 0, 0));
  }

  /** @param entered how many had entered by then: those who came later are not meant */
  #notify(count: number, entered: number): void {
    let left = count;
    for (const place of this.#places) {
      if (left === 0 || place.number >= entered) return;
      if (place.notified > 0) continue;
      place.notified = entered;
      left--;
      if (place.request !== undefined) place.peer.send(header(Op.Reply, 0, place.request, 1));
    }
  }

  #forget(peer: Peer): void {
    this.#remove((place) => place.peer === peer, true);
  }

  /** @param passOn whether what they were notified of goes to others */
  #remove(isMeant: (place: Place) => boolean, passOn: boolean): void {
    const gone = this.#places.filter(isMeant);
    this.#places = this.#places.filter((place) => !gone.includes(place));
    if (!passOn) return;
    for (const { notified } of gone) if (notified > 0) this.#notify(1, notified);
  }
}
