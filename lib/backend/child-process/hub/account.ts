import { Joined, Op, header, type Loss } from '../frames';
import type { Peer } from './peer';

/**
 * Of a joinable channel: who took how many messages, and how many are not done. A balance is what a process took less
 * what it was done with; who is done with more than it took stands in for those that have ended.
 */
export class HubAccount {
  #unfinished = 0;
  readonly #balances = new Map<Peer, number>();
  readonly #ended: { readonly pid: number; balance: number }[] = [];
  #joins: { readonly peer: Peer; readonly request: number }[] = [];

  sent(): void {
    this.#unfinished++;
  }

  claimed(peer: Peer): void {
    this.#balances.set(peer, (this.#balances.get(peer) ?? 0) + 1);
  }

  /** Messages that nobody will receive. */
  dropped(count: number): void {
    this.#unfinished -= count;
    this.#settle();
  }

  done(peer: Peer, request: number): void {
    const any = this.#unfinished > 0;
    if (any) {
      this.#unfinished--;
      this.#balances.set(peer, (this.#balances.get(peer) ?? 0) - 1);
    }
    peer.send(header(Op.Reply, 0, request, any ? 1 : 0));
    this.#settle();
  }

  join(peer: Peer, request: number, wait: boolean): void {
    this.#joins.push({ peer, request });
    this.#settle();
    if (!wait) this.cancel(peer, request);
  }

  /** A join that is over has been answered. */
  cancel(peer: Peer, request: number): void {
    const before = this.#joins.length;
    this.#joins = this.#joins.filter((join) => join.peer !== peer || join.request !== request);
    if (this.#joins.length < before) peer.send(header(Op.Reply, 0, request, Joined.GivenUp));
  }

  drop(peer: Peer): void {
    this.#joins = this.#joins.filter((join) => join.peer !== peer);
    const balance = this.#balances.get(peer);
    this.#balances.delete(peer);
    if (balance !== undefined && balance !== 0) this.#ended.push({ pid: peer.pid, balance });
    this.#settle();
  }

  #settle(): void {
    if (this.#joins.length === 0) return;
    const loss = this.#loss();
    if (this.#unfinished > 0 && loss === undefined) return;
    for (const { peer, request } of this.#joins.splice(0)) {
      if (this.#unfinished === 0) peer.send(header(Op.Reply, 0, request, Joined.Done));
      else peer.send(header(Op.Reply, 0, request, Joined.Lost), Buffer.from(JSON.stringify(loss)));
    }
  }

  #loss(): Loss | undefined {
    let unfinished = 0;
    for (const balance of this.#balances.values()) unfinished += Math.min(0, balance);
    for (const { balance } of this.#ended) unfinished += balance;
    const first = this.#ended.find(({ balance }) => balance > 0);
    return first === undefined || unfinished <= 0 ? undefined : { pid: first.pid, unfinished };
  }
}
