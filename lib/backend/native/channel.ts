import { ClosedError, UnsupportedError } from '../../errors';
import { ownResources } from '../../finalizer';
import type { Account, Batch, Channel, ChannelOptions, Decode, Nothing, Share, Wait } from '../backend';
import { eventBell, fileBell } from './bells';
import { Status, addon, type NativeRing } from './addon';
import { openRing } from './ring';
import { Eventually } from './eventually';
import { inheritedSockets } from './inherited-sockets';
import { RING_BYTES } from './layout';
import { RingLedger } from './ledger';
import { RingReceiver } from './receiver';
import { RingSender } from './sender';
import { releaseCycles } from './shares';
import { failureOf, fileOf, keep, letGo, openOrCreate } from './names';
import { failure } from './status';

/** One ring with an eventfd for each direction, one for who joins, and a pair of sockets for rights in messages. */
export class NativeChannel<T> implements Channel<T> {
  readonly #ring: NativeRing;
  readonly #sender: RingSender;
  readonly #receiver: RingReceiver<T>;
  readonly account: Account | undefined;
  readonly #eventually: Eventually;
  readonly #descriptors: readonly number[];
  readonly #named: boolean;
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

  static named<T>(name: string, exclusive: boolean, options: ChannelOptions, decode: Decode<T>) {
    const naming = { what: 'queue', name } as const;
    const descriptor = openOrCreate(naming, exclusive, (file) =>
      addon.createNamedRing(file, { dataBytes: RING_BYTES, ...options }),
    );
    try {
      const channel = new NativeChannel([descriptor], decode, undefined, fileOf(naming));
      return { channel, bounds: channel.#bounds };
    } catch (error) {
      addon.closeDescriptors([descriptor]);
      throw failureOf(error, naming);
    }
  }

  static open<T>({ descriptors }: Share, decode: Decode<T>, name?: string): NativeChannel<T> {
    const file = name === undefined ? undefined : fileOf({ what: 'queue', name });
    return new NativeChannel(descriptors, decode, undefined, file);
  }

  get #bounds(): ChannelOptions {
    const { maxItems, maxBytes, joinable } = this.#ring;
    return { maxItems, maxBytes, joinable };
  }

  /**
   * Takes over the descriptors: [memory, event of who waits for messages, event of who waits for room, socket into which
   * parcels go, socket from which they come, and of a joinable channel the event of who joins]; of a named channel [file].
   */
  constructor(descriptors: readonly number[], decode: Decode<T>, options?: ChannelOptions, file?: string) {
    const [memory = -1, notEmpty = -1, notFull = -1, parcelsOut = -1, parcelsIn = -1, joined] = descriptors;
    const events = joined === undefined ? [notEmpty, notFull] : [notEmpty, notFull, joined];
    const ring = openRing(
      memory,
      0,
      file === undefined ? events : [],
      [parcelsOut, parcelsIn],
      options && { dataBytes: RING_BYTES, ...options },
    );
    const bellOf = (event: number) => (file === undefined ? eventBell(event) : fileBell(memory));
    const eventually = new Eventually();
    const ledger = ring.joinable ? new RingLedger(ring, bellOf(joined ?? -1), eventually) : undefined;
    const watches: (() => void)[] = [];
    const watchOnce = (event: number, pump: () => void) => {
      let watched = false;
      return () => {
        if (!watched) watches.push(bellOf(event).watch(pump));
        watched = true;
      };
    };
    const sender = new RingSender(ring, {
      futexSuffices: true,
      watch: watchOnce(notFull, () => {
        sender.pump();
      }),
    });
    const receiver = new RingReceiver(
      ring,
      {
        futexSuffices: true,
        watch: watchOnce(notEmpty, () => {
          receiver.pump();
        }),
      },
      decode,
    );
    const sockets = [parcelsOut, parcelsIn].filter((socket) => socket >= 0);
    for (const socket of sockets) inheritedSockets.add(socket);
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
      for (const unwatch of watches) unwatch();
      ring.close();
      for (const socket of sockets) inheritedSockets.delete(socket);
      addon.closeDescriptors(descriptors);
      releaseCycles();
      if (file !== undefined) letGo(file, memory);
    });
    if (file !== undefined) keep(file, memory);
    this.#named = file !== undefined;
  }

  trySend(tag: number, data: Uint8Array, length: number, start = 0, shares?: readonly Share[]): boolean {
    this.#checkShares(shares);
    return this.#sender.trySend(tag, data, length, start, shares);
  }

  trySendLed(tag: number, data: Uint8Array, length: number, lead: Uint8Array): boolean {
    return this.#sender.trySendLed(tag, data, length, lead);
  }

  send(tag: number, data: Uint8Array, length: number, wait: Wait, shares?: readonly Share[]): Promise<void> {
    this.#checkShares(shares);
    return this.#sender.send(tag, data, length, wait, shares);
  }

  sendSync(
    tag: number,
    data: Uint8Array,
    length: number,
    timeout: number,
    shares?: readonly Share[],
  ): boolean {
    this.#checkShares(shares);
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

  #checkShares(shares: readonly Share[] | undefined): void {
    if (!this.#named || shares === undefined || shares.length === 0) return;
    throw new UnsupportedError(
      'expected a message without queues, connections, locks or shared memory in it: those belong to one program, and a ' +
        'named queue leads to others; give them names too',
    );
  }
}
