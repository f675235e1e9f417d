import { Op, Verb, header } from '../frames';
import { Holders, type HubFrame, type HubObject, type Peer } from './peer';

interface Place {
  readonly peer: Peer;
  readonly id: number;
  notified: boolean;
  /** Of the wait for it, when that has begun. */
  request: number | undefined;
}

/**
 * Places, oldest first. One that was notified stays until its process has noticed: if that ends before, the notification
 * goes to the next one.
 */
export class HubWaitLine implements HubObject {
  readonly #holders = new Holders();
  #places: Place[] = [];

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

  handle(op: number, { a: request, b, c, tag }: HubFrame, peer: Peer): void {
    if (op === Op.Wait) {
      const place = this.#find((one) => one.peer === peer && one.id === b);
      if (place === undefined) return;
      place.request = request;
      if (place.notified) peer.send(header(Op.Reply, 0, request, 1));
      else if (c === 0) this.#giveUp(place);
    } else if (op === Op.CancelWait) {
      const place = this.#find((one) => one.peer === peer && one.request === request);
      if (place !== undefined && !place.notified) this.#giveUp(place);
    } else if (op === Op.Do && tag === Verb.Enter) {
      this.#places.push({ peer, id: b, notified: false, request: undefined });
    } else if (op === Op.Do && tag === Verb.Notify) {
      this.#notify(b);
    } else if (op === Op.Do && tag === Verb.Noticed) {
      this.#places = this.#places.filter((place) => place.peer !== peer || place.id !== b);
    }
  }

  #find(isMeant: (place: Place) => boolean): Place | undefined {
    return this.#places.find(isMeant);
  }

  #giveUp(place: Place): void {
    this.#places = this.#places.filter((other) => other !== place);
    place.peer.send(header(Op.Reply, 0, place.request ?? 0, 0));
  }

  #notify(count: number): void {
    let left = count;
    for (const place of this.#places) {
      if (left === 0) return;
      if (place.notified) continue;
      place.notified = true;
      left--;
      if (place.request !== undefined) place.peer.send(header(Op.Reply, 0, place.request, 1));
    }
  }

  #forget(peer: Peer): void {
    const lost = this.#places.filter((place) => place.peer === peer && place.notified).length;
    this.#places = this.#places.filter((place) => place.peer !== peer);
    this.#notify(lost);
  }
}
