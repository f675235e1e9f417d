import { Fifo } from '../../../fifo';
import { MOST_UNITS } from '../../synchronize';
import { Op, Verb, header, type Frame } from '../frames';
import { Holders, type HubObject, type Peer } from './peer';

export interface SemaphoreOrder {
  readonly kind: 'semaphore';
  readonly initial: number;
  /** null: no bound. */
  readonly max: number | null;
}

/**
 * Units, who has how many of them, and who waits for one. Invariant: a unit that was acquired is held by one process, or
 * has been released; so a process that ends gives back what is still out, and never what somebody released for it.
 */
export class HubSemaphore implements HubObject {
  readonly #initial: number;
  readonly #max: number;
  readonly #holders = new Holders();
  readonly #waiting = new Fifo<{ readonly peer: Peer; readonly request: number }>();
  /** How many units a process has. */
  readonly #held = new Map<Peer, number>();
  #value: number;
  /** Units that came back from processes that had ended, and that nobody has acquired since. */
  #orphaned = 0;

  constructor({ initial, max }: SemaphoreOrder) {
    this.#initial = initial;
    this.#max = max ?? MOST_UNITS;
    this.#value = initial;
  }

  get unused(): boolean {
    return this.#holders.empty;
  }

  hold(peer: Peer): void {
    this.#holders.add(peer);
  }

  release(peer: Peer): void {
    if (this.#holders.remove(peer)) this.#waiting.remove((one) => one.peer === peer);
  }

  drop(peer: Peer): void {
    this.#holders.drop(peer);
    this.#waiting.remove((one) => one.peer === peer);
    const had = this.#held.get(peer) ?? 0;
    this.#held.delete(peer);
    // What was released without having been acquired is news for who acquires it, and not given twice.
    const back = Math.max(0, Math.min(had, this.#initial - this.#value));
    this.#value += back;
    this.#orphaned += back;
    this.#serve();
  }

  handle(op: number, { a: request, b, c, tag }: Frame, peer: Peer): void {
    if (op === Op.Wait) {
      if (this.#value > 0 && this.#waiting.length === 0) this.#grant(peer, request);
      else if (c === 1) this.#waiting.push({ peer, request });
      else peer.send(header(Op.Reply, 0, request, 0));
    } else if (op === Op.CancelWait) {
      const gone = this.#waiting.remove((one) => one.peer === peer && one.request === request);
      if (gone.length > 0) peer.send(header(Op.Reply, 0, request, 0));
    } else if (op === Op.Do && tag === Verb.Release) {
      const fits = this.#value + b <= this.#max;
      if (request !== 0) peer.send(header(Op.Reply, 0, request, fits ? 1 : 0));
      if (!fits) return;
      this.#value += b;
      this.#discharge(peer, b);
      this.#serve();
    } else if (op === Op.Do && tag === Verb.Value) {
      peer.send(header(Op.Reply, 0, request, this.#value));
    }
  }

  /** Units are released: the process's own first, then those of others, which it releases for them. */
  #discharge(peer: Peer, units: number): void {
    let left = units;
    for (const holder of [peer, ...this.#held.keys()]) {
      const had = this.#held.get(holder) ?? 0;
      const given = Math.min(had, left);
      left -= given;
      if (given === had) this.#held.delete(holder);
      else this.#held.set(holder, had - given);
      if (left === 0) return;
    }
  }

  #serve(): void {
    while (this.#value > 0) {
      const next = this.#waiting.shift();
      if (next === undefined) return;
      this.#grant(next.peer, next.request);
    }
  }

  /** Who ends before it notices has it all the same, and gives it back like any other. */
  #grant(peer: Peer, request: number): void {
    this.#value--;
    this.#held.set(peer, (this.#held.get(peer) ?? 0) + 1);
    const orphaned = this.#orphaned > 0;
    if (orphaned) this.#orphaned--;
    peer.send(header(Op.Reply, 0, request, 1, orphaned ? 1 : 0));
  }
}
