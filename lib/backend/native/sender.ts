import { ClosedError } from '../../errors';
import { offsetIn, type Batch, type Sender, type Share, type Wait } from '../backend';
import { PARCEL_BYTES, Status, addon, scratch, type NativeRing } from './addon';
import { descriptorsOf, retain } from './shares';
import { reactor, slice } from './reactor';
import { failure } from './status';
import { Waiting, type Attempt } from './waiting';

/** Where a half's wake-ups come from. */
export interface WakeSource {
  /** Registers with the reactor, whose news lead to `pump`; called before each arming, effective once. */
  watch(): void;
  /** Whether a blocking call may sleep on the ring alone: nothing else can end its wait. */
  readonly futexSuffices: boolean;
  /** Throws if nobody will ever receive. */
  checkPeer?(): void;
  /** Whether nothing can come any more. */
  peerGone?(): boolean;
}

class PendingSend {
  readonly length: number;
  readonly #sender: RingSender;
  readonly #tag: number;
  readonly #data: Uint8Array;
  readonly #shares: readonly Share[] | undefined;
  readonly #resolve: () => void;
  readonly reject: (error: unknown) => void;

  /** Takes copies of the data and of the rights. */
  constructor(
    sender: RingSender,
    tag: number,
    data: Uint8Array,
    shares: readonly Share[] | undefined,
    resolve: () => void,
    reject: (error: unknown) => void,
  ) {
    this.#sender = sender;
    this.#tag = tag;
    this.#data = Uint8Array.from(data);
    this.length = data.length;
    if (shares === undefined) {
      this.#resolve = resolve;
      this.reject = reject;
      return;
    }
    const own = retain(shares);
    this.#shares = own.shares;
    this.#resolve = () => {
      own.release();
      resolve();
    };
    this.reject = (error) => {
      own.release();
      reject(error);
    };
  }

  /** What it takes in the ring. */
  get recordLength(): number {
    return this.#shares === undefined ? this.length : this.length + PARCEL_BYTES;
  }

  attempt(): Attempt {
    let status: number;
    try {
      status = this.#sender.put(this.#tag, this.#data, this.length, 0, this.#shares);
    } catch (error) {
      this.reject(error);
      return 'done';
    }
    if (status === Status.Full) return 'blocked';
    if (status === Status.Busy) return 'busy';
    this.#resolve();
    return 'done';
  }
}

/** Sends into one ring, in the order of the calls. */
export class RingSender implements Sender {
  readonly #ring: NativeRing;
  readonly #source: WakeSource;
  readonly #waiting: Waiting<PendingSend>;
  #ended: (() => Error) | undefined;

  constructor(ring: NativeRing, source: WakeSource) {
    this.#ring = ring;
    this.#source = source;
    this.#waiting = new Waiting((first) => this.#arm(first), true);
  }

  /** One native attempt: Ok, Full or Busy; throws what cannot be mended by waiting. */
  put(tag: number, data: Uint8Array, length: number, start = 0, shares?: readonly Share[]): number {
    this.#mayPut();
    const status =
      shares === undefined
        ? addon.tryPut(this.#ring.number, tag, data, length, start)
        : addon.tryPutWith(this.#ring.number, tag, data, length, start, descriptorsOf(shares));
    if (status > Status.Busy) throw failure(status, length);
    return status;
  }

  trySend(tag: number, data: Uint8Array, length: number, start = 0, shares?: readonly Share[]): boolean {
    return this.#waiting.size === 0 && this.put(tag, data, length, start, shares) === Status.Ok;
  }

  trySendLed(tag: number, data: Uint8Array, length: number, lead: Uint8Array): boolean {
    if (this.#waiting.size > 0) return false;
    this.#mayPut();
    const status = addon.tryPutLed(this.#ring.number, tag, data, length, lead);
    if (status > Status.Busy) throw failure(status, lead.length + length);
    return status === Status.Ok;
  }

  send(tag: number, data: Uint8Array, length: number, wait: Wait, shares?: readonly Share[]): Promise<void> {
    return new Promise((resolve, reject) => {
      if (this.trySend(tag, data, length, 0, shares)) {
        resolve();
        return;
      }
      if (wait.timeout <= 0) {
        reject(wait.timedOut());
        return;
      }
      const part = data.subarray(0, length);
      this.#waiting.add(new PendingSend(this, tag, part, shares, resolve, reject), wait, true);
    });
  }

  sendSync(
    tag: number,
    data: Uint8Array,
    length: number,
    timeout: number,
    shares?: readonly Share[],
  ): boolean {
    if (this.trySend(tag, data, length, 0, shares)) return true;
    const end = performance.now() + timeout;
    if (this.#waiting.size > 0 && !reactor.runUntil(() => this.#waiting.size === 0, timeout)) return false;
    for (;;) {
      if (this.put(tag, data, length, 0, shares) === Status.Ok) return true;
      const left = end - performance.now();
      if (left <= 0) return false;
      if (shares === undefined && this.#source.futexSuffices && !reactor.mustRun) {
        const status = addon.putSync(this.#ring.number, tag, data, length, slice(left));
        if (status === Status.Ok) return true;
        if (status > Status.Busy) throw failure(status, length);
      } else if (this.#armFor(length + (shares === undefined ? 0 : PARCEL_BYTES)) === 'blocked') {
        reactor.run(left);
      }
    }
  }

  trySendMany(batch: Batch, first: number): number {
    if (this.#waiting.size > 0) return 0;
    this.#mayPut();
    const offset = offsetIn(batch, first);
    const lengths = first === 0 ? batch.lengths : batch.lengths.subarray(2 * first);
    const status = addon.tryPutMany(this.#ring.number, batch.data, lengths, offset, batch.count - first);
    if (status === Status.Ok) return scratch[0] ?? 0;
    if (status === Status.Full || status === Status.Busy) return 0;
    throw failure(status, batch.lengths[2 * first]);
  }

  /** How many sends wait for room. */
  get pending(): number {
    return this.#waiting.size;
  }

  /** Whether they keep the event loop alive. */
  hold(held: boolean): void {
    this.#waiting.hold(held);
  }

  pump(): void {
    this.#waiting.pump();
  }

  /** From now on everything fails, and so does what waits. */
  end(error: () => Error): void {
    this.#ended ??= error;
    this.#waiting.rejectAll(error);
  }

  close(): void {
    this.end(() => new ClosedError('the object was closed before there was room for this message'));
  }

  #mayPut(): void {
    if (this.#ended !== undefined) throw this.#ended();
    this.#source.checkPeer?.();
  }

  #arm(first: PendingSend): Attempt {
    return this.#armFor(first.recordLength);
  }

  #armFor(length: number): Attempt {
    this.#source.watch();
    const status = this.#ring.armNotFull(length);
    return status === Status.Full ? 'blocked' : status === Status.Busy ? 'busy' : 'done';
  }
}
