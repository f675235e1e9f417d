import { Op, Verb, header, type Frame } from '../frames';
import { Holders, type HubObject, type Peer } from './peer';

/** A flag, and who waits until it is set. */
export class HubFlag implements HubObject {
  readonly #holders = new Holders();
  #waiting: { readonly peer: Peer; readonly request: number }[] = [];
  #isSet = false;

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
      if (this.#isSet || c === 0) peer.send(header(Op.Reply, 0, request, this.#isSet ? 1 : 0));
      else this.#waiting.push({ peer, request });
    } else if (op === Op.CancelWait) {
      const before = this.#waiting.length;
      this.#waiting = this.#waiting.filter((one) => one.peer !== peer || one.request !== request);
      if (this.#waiting.length < before) peer.send(header(Op.Reply, 0, request, 0));
    } else if (op === Op.Do && tag === Verb.Set) {
      this.#isSet = b === 1;
      if (!this.#isSet) return;
      for (const one of this.#waiting.splice(0)) one.peer.send(header(Op.Reply, 0, one.request, 1));
    } else if (op === Op.Do && tag === Verb.Value) {
      peer.send(header(Op.Reply, 0, request, this.#isSet ? 1 : 0));
    }
  }

  #forget(peer: Peer): void {
    this.#waiting = this.#waiting.filter((one) => one.peer !== peer);
  }
}
