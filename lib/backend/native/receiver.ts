import { ClosedError, EndOfFileError } from '../../errors';
import { MOST_PER_BATCH, NOTHING, type Decode, type Nothing, type Receiver, type Wait } from '../backend';
import { Status, type NativeRing } from './addon';
import { inbox } from './inbox';
import { reactor, slice } from './reactor';
import type { WakeSource } from './sender';
import { failure } from './status';
import { Waiting, type Attempt, type Operation } from './waiting';

/** Receives from one ring. */
export class RingReceiver<T> implements Receiver<T> {
  readonly #ring: NativeRing;
  readonly #source: WakeSource;
  readonly #decode: Decode<T>;
  readonly #waiting: Waiting<Operation>;
  /** Those who take nothing must not stand before those who do. */
  readonly #watching: Waiting<Operation>;
  #lockBusy = false;
  /** What comes next ends a wait that was too long to spin for. */
  #sleeps = false;

  constructor(ring: NativeRing, source: WakeSource, decode: Decode<T>) {
    this.#ring = ring;
    this.#source = source;
    this.#decode = decode;
    this.#waiting = new Waiting(() => this.arm(), false);
    this.#watching = new Waiting(() => this.arm(), false);
  }

  tryReceive(): T | Nothing {
    return this.#waiting.size > 0 ? NOTHING : this.#take();
  }

  /** Spins for a moment where that has paid lately; whether something came. */
  linger(): boolean {
    if (this.#waiting.size > 0) return false;
    const came = this.#ring.spin();
    this.#sleeps = !came;
    return came;
  }

  receive(wait: Wait): Promise<T> {
    return new Promise((resolve, reject) => {
      const value = this.tryReceive();
      if (value !== NOTHING) {
        resolve(value);
      } else if (wait.timeout <= 0) {
        reject(wait.timedOut());
      } else {
        this.#wait(() => this.#take(), resolve, reject, wait);
      }
    });
  }

  receiveSync(timeout: number): T | Nothing {
    const there = this.tryReceive();
    if (there !== NOTHING || (timeout <= 0 && this.#waiting.size === 0)) return there;
    const end = timeout === Infinity ? Infinity : performance.now() + timeout; // reading the clock is no cheap operation
    if (this.#waiting.size > 0 && !reactor.runUntil(() => this.#waiting.size === 0, timeout)) return NOTHING;
    for (let left = timeout; ;) {
      if (this.#source.futexSuffices && !reactor.mustRun) {
        const status = inbox.take(this.#ring.number, slice(left));
        if (status === Status.Ok) return this.#decode(inbox);
        if (status > Status.Busy) throw failure(status);
      } else {
        this.#sleep(left);
      }
      const value = this.#take();
      if (value !== NOTHING) return value;
      if (end === Infinity) continue;
      left = end - performance.now();
      if (left <= 0) return NOTHING;
    }
  }

  tryReceiveMany(max: number): T[] {
    return this.#waiting.size > 0 ? [] : this.#takeMany(max, []);
  }

  async receiveMany(max: number, wait: Wait): Promise<T[]> {
    const values = this.tryReceiveMany(max);
    if (values.length > 0) return values;
    const first = await this.receive(wait);
    return this.#waiting.size > 0 ? [first] : this.#takeMany(max, [first]);
  }

  receiveManySync(max: number, timeout: number): T[] {
    const values = this.tryReceiveMany(max);
    if (values.length > 0) return values;
    const first = this.receiveSync(timeout);
    if (first === NOTHING) return [];
    return this.#takeMany(max, [first]);
  }

  readable(): boolean {
    return this.#ring.size() > 0 || this.#ring.isShut() || this.#peerGone();
  }

  whenReadable(listener: () => void): () => void {
    if (this.readable()) {
      listener();
      return () => undefined;
    }
    const attempt = (): Attempt => {
      if (!this.readable()) return 'blocked';
      listener();
      return 'done';
    };
    return this.#watching.add(
      { attempt, reject: listener },
      { timeout: Infinity, signal: undefined, timedOut: () => new Error(), owner: this },
    );
  }

  pump(): void {
    this.#waiting.pump();
    this.#watching.pump();
  }

  /** Asks for a wake-up: 'done' if there is something already. */
  arm(): Attempt {
    this.#source.watch();
    const status = this.#ring.armNotEmpty();
    return status === Status.Empty ? 'blocked' : status === Status.Busy ? 'busy' : 'done';
  }

  close(): void {
    const error = () => new ClosedError('the object was closed while this call waited for a message');
    this.#waiting.rejectAll(error);
    this.#watching.rejectAll(error);
  }

  #take(): T | Nothing {
    let status = inbox.take(this.#ring.number, 0);
    if (status === Status.Empty && this.#peerGone()) {
      // What the peer sent before it went is in the ring by now.
      status = inbox.take(this.#ring.number, 0);
      if (status === Status.Empty) {
        throw new EndOfFileError('expected a message, but the other end is closed or its process has ended');
      }
    }
    this.#lockBusy = status === Status.Busy;
    if (status === Status.Ok) {
      if (this.#sleeps) {
        this.#sleeps = false;
        this.#ring.woke();
      }
      return this.#decode(inbox);
    }
    if (status > Status.Busy) throw failure(status);
    return NOTHING;
  }

  /** Fails only if there is nothing else to give: what is taken must not be lost with an error. */
  #takeMany(max: number, values: T[]): T[] {
    while (values.length < max) {
      const most = Math.min(max - values.length, MOST_PER_BATCH);
      const status = inbox.takeMany(this.#ring.number, most, this.#decode, values);
      if (status === Status.Ok) continue;
      if (status > Status.Busy && values.length === 0) throw failure(status);
      break;
    }
    return values;
  }

  #wait<V>(
    take: () => V | Nothing,
    resolve: (value: V) => void,
    reject: (error: unknown) => void,
    wait: Wait,
  ): void {
    const attempt = (): Attempt => {
      try {
        const value = take();
        if (value === NOTHING) return this.#lockBusy ? 'busy' : 'blocked';
        resolve(value);
      } catch (error) {
        reject(error);
      }
      return 'done';
    };
    this.#waiting.add({ attempt, reject }, wait, true);
  }

  #sleep(timeout: number): void {
    if (!this.linger() && this.arm() === 'blocked' && !this.#peerGone()) reactor.run(timeout);
  }

  #peerGone(): boolean {
    return this.#source.peerGone?.() ?? false;
  }
}
