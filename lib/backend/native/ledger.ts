import type { Deadline } from '../../deadlines';
import { ClosedError, ConsumerLostError } from '../../errors';
import type { Account, Wait } from '../backend';
import { Status, addon, type NativeRing } from './addon';
import type { Bell } from './bells';
import { type Eventually } from './eventually';
import { reactor } from './reactor';
import { failure } from './status';
import { Waiting, type Attempt } from './waiting';

/** How soon (ms) to look again at a process that no descriptor was left to watch with. */
const LOOK_AGAIN = 50;

/** A process that has taken messages, and how many of them it is not done with (negative: done with others'). */
interface Consumer {
  readonly key: string;
  readonly pid: number;
  readonly started: number;
  readonly balance: number;
}

interface Watched {
  /** undefined: it has ended. */
  readonly pidfd: number | undefined;
  readonly token: number;
}

/**
 * The account of a joinable ring. Whoever joins is woken by who does the last message, by who begins to take, and by the
 * end of any process that has taken something: so nobody's death leaves it waiting.
 */
export class RingLedger implements Account {
  readonly #ring: NativeRing;
  readonly #bell: Bell;
  readonly #eventually: Eventually;
  readonly #waiting: Waiting<{ attempt(): Attempt; reject(error: unknown): void }>;
  readonly #watched = new Map<string, Watched>();
  #unwatch: (() => void) | undefined;
  #lookAgain: Deadline | undefined;
  #closed = false;

  constructor(ring: NativeRing, bell: Bell, eventually: Eventually) {
    this.#ring = ring;
    this.#bell = bell;
    this.#eventually = eventually;
    this.#waiting = new Waiting(() => this.#watchConsumers(), false);
  }

  done(): boolean {
    return this.#eventually.attempt(() => this.#ring.finish()) !== Status.Empty;
  }

  join(wait: Wait): Promise<void> {
    return new Promise<void>((resolve, reject) => {
      if (wait.timeout > 0) {
        this.#add(resolve, reject, wait);
      } else if (this.joinSync(0)) {
        resolve();
      } else {
        reject(wait.timedOut());
      }
    }).finally(() => {
      this.#rest();
    });
  }

  joinSync(timeout: number): boolean {
    let outcome: { readonly error?: unknown } | undefined;
    const callOff = this.#add(
      () => (outcome = {}),
      (error) => (outcome = { error }),
      { timeout: Infinity, signal: undefined, timedOut: () => new Error(), owner: this },
    );
    if (!reactor.runUntil(() => outcome !== undefined, timeout)) callOff();
    this.#rest();
    const settled = outcome as { readonly error?: unknown } | undefined;
    if (settled?.error !== undefined) throw settled.error;
    return settled !== undefined;
  }

  close(): void {
    this.#closed = true;
    this.#waiting.rejectAll(
      () => new ClosedError('the queue was closed while this call waited for its consumers'),
    );
    this.#rest();
    this.#unwatch?.();
  }

  #add(resolve: () => void, reject: (error: unknown) => void, wait: Wait): () => void {
    this.#unwatch ??= this.#bell.watch(() => {
      this.#waiting.pump();
    });
    const attempt = (): Attempt => {
      try {
        const status = this.#ring.armJoined();
        if (status === Status.Busy) return 'busy';
        if (status > Status.Busy) throw failure(status);
        if (status === Status.Full) {
          const error = this.#lost();
          if (error === undefined) return 'blocked';
          throw error;
        }
        resolve();
      } catch (error) {
        reject(error);
      }
      return 'done';
    };
    return this.#waiting.add({ attempt, reject }, wait);
  }

  /** Those who are done with more than they took stand in for those who have ended. */
  #lost(): ConsumerLostError | undefined {
    let sum = 0;
    let first: Consumer | undefined;
    for (const consumer of this.#consumers()) {
      const known = this.#watched.get(consumer.key);
      const hasEnded = known !== undefined && known.pidfd === undefined;
      if (hasEnded || consumer.balance < 0) sum += consumer.balance;
      if (hasEnded && consumer.balance > 0) first ??= consumer;
    }
    if (first === undefined || sum <= 0) return undefined;
    const { pid, balance } = first;
    return new ConsumerLostError(
      `expected everything in the queue to be done, but the process ${pid} has ended without being done with ` +
        `${balance} of the messages it took; do what it has left undone, and call taskDone() for it`,
      { pid, unfinished: balance },
    );
  }

  /** 'done' if somebody turned out to have ended. */
  #watchConsumers(): Attempt {
    let outcome: Attempt = 'blocked';
    for (const { key, pid, started } of this.#consumers()) {
      if (this.#watched.has(key)) continue;
      let pidfd: number;
      try {
        pidfd = addon.openIfAlive(pid, started);
      } catch {
        this.#lookAgainLater(); // no descriptor is left
        continue;
      }
      if (pidfd < 0) {
        this.#watched.set(key, { pidfd: undefined, token: 0 });
        outcome = 'done';
        continue;
      }
      const token = reactor.watch(pidfd, () => {
        this.#ended(key);
      });
      this.#watched.set(key, { pidfd, token });
    }
    return outcome;
  }

  #ended(key: string): void {
    const { pidfd, token } = this.#watched.get(key) ?? {};
    if (pidfd === undefined || token === undefined) return;
    reactor.unwatch(pidfd, token);
    addon.closeDescriptors([pidfd]);
    this.#watched.set(key, { pidfd: undefined, token: 0 });
    this.#waiting.pump();
  }

  #lookAgainLater(): void {
    this.#lookAgain ??= reactor.deadlines.set(LOOK_AGAIN, () => {
      this.#lookAgain = undefined;
      this.#waiting.pump();
    });
  }

  /** Watches nobody any more, if nobody joins. */
  #rest(): void {
    if (this.#waiting.size > 0) return;
    reactor.deadlines.clear(this.#lookAgain);
    this.#lookAgain = undefined;
    for (const { pidfd, token } of this.#watched.values()) {
      if (pidfd === undefined) continue;
      reactor.unwatch(pidfd, token);
      addon.closeDescriptors([pidfd]);
    }
    this.#watched.clear();
  }

  *#consumers(): Generator<Consumer> {
    if (this.#closed) return;
    const numbers = this.#ring.accounts();
    for (let i = 0; i < numbers.length; i += 3) {
      const [pid = 0, started = 0, balance = 0] = numbers.slice(i, i + 3);
      yield { key: `${pid}:${started}`, pid, started, balance };
    }
  }
}
