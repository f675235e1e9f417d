import { ClosedError } from '../../errors';
import { ownResources } from '../../finalizer';
import type { Account, Batch, Channel, ChannelOptions, Decode, Nothing, Share, Wait } from '../backend';
import { Status, addon, type NativeRing } from './addon';
import { openRing } from './ring';
import { Eventually } from './eventually';
import { RING_BYTES } from './layout';
import { RingLedger } from './ledger';
import { reactor } from './reactor';
import { RingReceiver } from './receiver';
import { RingSender } from './sender';
import { failure } from './status';

/** One ring with an eventfd for each direction, one for who joins, and a pair of sockets for rights in messages. */
export class NativeChannel<T> implements Channel<T> {
  readonly #ring: NativeRing;
  readonly #sender: RingSender;
  readonly #receiver: RingReceiver<T>;
  readonly account: Account | undefined;
  readonly #eventually: Eventually;
  readonly #descriptors: readonly number[];
  readonly #close: () => void;
  #open = true;

  static create<T>(options: ChannelOptions, decode: Decode<T>): NativeChannel<T> {
    const descriptors: number[] = [];
    try {
      descriptors.push(
        addon.createMemory('forkful-queue', addon.ringRegionBytes(RING_BYTES, options.joinable)),
      );
      descriptors.push(addon.createEvent(), addon.createEvent(), ...addon.createSockets());
      if (options.joinable) descriptors.push(addon.createEvent());
      return new NativeChannel(descriptors, decode, options);
    } catch (error) {
      addon.closeDescriptors(descriptors);
      throw error;
    }
  }

  /**
   * Takes over the descriptors: [memory, event of who waits for messages, event of who waits for room, socket into which
   * parcels go, socket from which they come, and of a joinable channel the event of who joins].
   */
  constructor(descriptors: readonly number[], decode: Decode<T>, options?: ChannelOptions) {
    const [memory = -1, notEmpty = -1, notFull = -1, parcelsOut = -1, parcelsIn = -1, joined] = descriptors;
    const ring = openRing(
      memory,
      0,
      joined === undefined ? [notEmpty, notFull] : [notEmpty, notFull, joined],
      [parcelsOut, parcelsIn],
      options && { dataBytes: RING_BYTES, ...options },
    );
    const eventually = new Eventually();
    const ledger = joined === undefined ? undefined : new RingLedger(ring, joined, eventually);
    const tokens = new Map<number, number>();
    const watchOnce = (event: number, pump: () => void) => {
      if (!tokens.has(event)) tokens.set(event, reactor.watch(event, pump));
    };
    const sender = new RingSender(ring, {
      futexSuffices: true,
      watch: () => {
        watchOnce(notFull, () => {
          sender.pump();
        });
      },
    });
    const receiver = new RingReceiver(
      ring,
      {
        futexSuffices: true,
        watch: () => {
          watchOnce(notEmpty, () => {
            receiver.pump();
          });
        },
      },
      decode,
    );
    this.#ring = ring;
    this.#sender = sender;
    this.#receiver = receiver;
    this.account = ledger;
    this.#eventually = eventually;
    this.#descriptors = descriptors;
    this.#close = ownResources(this, () => {
      sender.close();
      receiver.close();
      ledger?.close();
      eventually.close();
      for (const [event, token] of tokens) reactor.unwatch(event, token);
      ring.close();
      addon.closeDescriptors(descriptors);
    });
  }

  trySend(tag: number, data: Uint8Array, length: number, start = 0, shares?: readonly Share[]): boolean {
    return this.#sender.trySend(tag, data, length, start, shares);
  }

  send(tag: number, data: Uint8Array, length: number, wait: Wait, shares?: readonly Share[]): Promise<void> {
    return this.#sender.send(tag, data, length, wait, shares);
  }

  sendSync(
    tag: number,
    data: Uint8Array,
    length: number,
    timeout: number,
    shares?: readonly Share[],
  ): boolean {
    return this.#sender.sendSync(tag, data, length, timeout, shares);
  }

  trySendMany(batch: Batch, first: number): number {
    return this.#sender.trySendMany(batch, first);
  }

  tryReceive(): T | Nothing {
    return this.#receiver.tryReceive();
  }

  receive(wait: Wait): Promise<T> {
    return this.#receiver.receive(wait);
  }

  receiveSync(timeout: number): T | Nothing {
    return this.#receiver.receiveSync(timeout);
  }

  tryReceiveMany(max: number): T[] {
    return this.#receiver.tryReceiveMany(max);
  }

  receiveMany(max: number, wait: Wait): Promise<T[]> {
    return this.#receiver.receiveMany(max, wait);
  }

  receiveManySync(max: number, timeout: number): T[] {
    return this.#receiver.receiveManySync(max, timeout);
  }

  readable(): boolean {
    return this.#receiver.readable();
  }

  whenReadable(listener: () => void): () => void {
    return this.#receiver.whenReadable(listener);
  }

  size(): number {
    return this.#ring.size();
  }

  full(): boolean {
    return this.#ring.full();
  }

  pendingSends(): number {
    return this.#sender.pending;
  }

  holdSends(held: boolean): void {
    this.#sender.hold(held);
  }

  shutdown(immediate: boolean): void {
    const ring = this.#ring;
    this.#sender.end(() => failure(Status.Shut));
    this.#eventually.attempt(() => ring.shut(immediate));
    this.#receiver.pump();
  }

  share(): Share {
    if (!this.#open) throw new ClosedError('expected an open queue to pass on, but it is closed');
    return { kind: 'channel', key: 0, descriptors: this.#descriptors };
  }

  close(): void {
    this.#open = false;
    this.#close();
  }
}
