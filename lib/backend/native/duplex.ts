import type { Deadline } from '../../deadlines';
import { BrokenPipeError, ClosedError } from '../../errors';
import { ownResources } from '../../finalizer';
import { whenForked } from '../../forked';
import type { Batch, Decode, Duplex, Nothing, Share, Wait } from '../backend';
import { Status, addon, type NativeRing } from './addon';
import { openRing } from './ring';
import { inbox } from './inbox';
import { inheritedSockets } from './inherited-sockets';
import { RING_BYTES } from './layout';
import { reactor, type Expected } from './reactor';
import { RingReceiver } from './receiver';
import { RingSender } from './sender';
import { releaseCycles } from './shares';
import { failure } from './status';

/** How long (ms) a sender may believe that the peer is there without asking the kernel. */
const PEER_CHECK_INTERVAL = 0.1;

/** Ends that somebody listens to. A forked child must not take what comes for its parent. */
const heard = new Set<{ onReadable: (() => void) | undefined }>();

whenForked(() => {
  for (const end of heard) end.onReadable = undefined;
  heard.clear();
});

/**
 * One end's state, apart from the object that owns it: the reactor refers to this, so that a forgotten end can be
 * collected. Two rings in one memory, an eventfd for each end, and a socket pair that hangs up when an end is closed
 * in all processes that hold it, and carries the rights in messages.
 */
class DuplexEnd<T> implements Expected {
  readonly sender: RingSender;
  readonly receiver: RingReceiver<T>;
  readonly outgoing: NativeRing;
  readonly incoming: NativeRing;
  readonly descriptors: readonly number[];
  readonly side: number;
  onReadable: (() => void) | undefined;
  #gone = false;
  #checkedAt = 0;
  #tokens: [event: number, socket: number] | undefined;
  #retry: Deadline | undefined;

  constructor(descriptors: readonly number[], side: number, decode: Decode<T>, isNew: boolean) {
    const [memory = -1, own = -1, peer = -1] = descriptors;
    const limits = isNew ? { dataBytes: RING_BYTES, maxItems: 0, maxBytes: 0, joinable: false } : undefined;
    const region = addon.ringRegionBytes(RING_BYTES, false);
    this.descriptors = descriptors;
    this.side = side;
    // Ring 0 carries what side 0 sends. Each end has one event for both: something came, or there is room again.
    this.outgoing = openRing(memory, side * region, [peer, own], [this.socket, -1], limits);
    this.incoming = openRing(memory, (1 - side) * region, [own, peer], [-1, this.socket], limits);
    inheritedSockets.add(this.socket);
    const source = {
      futexSuffices: false,
      watch: () => {
        this.watch();
      },
      checkPeer: () => {
        this.#checkPeer();
      },
      peerGone: () => this.peerGone(),
    };
    this.sender = new RingSender(this.outgoing, source);
    this.receiver = new RingReceiver(this.incoming, source, decode);
  }

  get number(): number {
    return this.incoming.number;
  }

  get socket(): number {
    return this.descriptors[3] ?? -1;
  }

  peerGone(): boolean {
    return (this.#gone ||= addon.peerGone(this.socket));
  }

  watch(): void {
    if (this.#tokens !== undefined) return;
    const onEvent = () => {
      this.#onEvent();
    };
    const [, own = -1] = this.descriptors;
    this.#tokens = [reactor.watch(own, onEvent), reactor.watch(this.socket, onEvent)];
  }

  /** Calls the listener until everything is received and the next message is sure to wake us. */
  drain(): void {
    const listener = this.onReadable;
    if (listener === undefined) return;
    do {
      listener();
    } while (!this.#isArmed());
  }

  takeIn(): void {
    this.onReadable?.();
  }

  rearm(): void {
    if (!this.#isArmed()) this.drain();
  }

  expect(): void {
    if (this.onReadable !== undefined) reactor.expect(this);
  }

  hear(listener: () => void): void {
    this.onReadable = listener;
    heard.add(this);
    this.drain();
  }

  close(): void {
    this.onReadable = undefined;
    heard.delete(this);
    inheritedSockets.delete(this.socket);
    reactor.forget(this);
    reactor.deadlines.clear(this.#retry);
    this.sender.close();
    this.receiver.close();
    if (this.#tokens !== undefined) {
      reactor.unwatch(this.descriptors[1] ?? -1, this.#tokens[0]);
      reactor.unwatch(this.socket, this.#tokens[1]);
    }
    this.outgoing.close();
    this.incoming.close();
    addon.closeDescriptors(this.descriptors);
    releaseCycles();
  }

  /** Or need not be, or will be. */
  #isArmed(): boolean {
    if (this.onReadable === undefined) return true;
    const outcome = this.receiver.arm();
    if (outcome === 'busy') {
      this.#retry ??= reactor.deadlines.set(1, () => {
        this.#retry = undefined;
        this.drain();
      });
    }
    return outcome !== 'done';
  }

  #onEvent(): void {
    this.sender.pump();
    this.receiver.pump();
    this.drain();
  }

  #checkPeer(): void {
    if (!this.#gone) {
      const now = performance.now();
      if (now - this.#checkedAt < PEER_CHECK_INTERVAL) return;
      this.#checkedAt = now;
      if (!this.peerGone()) return;
    }
    throw new BrokenPipeError(
      'expected somebody at the other end, but it is closed or its process has ended',
    );
  }
}

/** One end of two rings. */
export class NativeDuplex<T> implements Duplex<T> {
  readonly #end: DuplexEnd<T>;
  readonly #close: () => void;
  #open = true;

  static createPair<T>(decode: Decode<T>): [NativeDuplex<T>, NativeDuplex<T>] {
    const opened: number[] = [];
    const open = (...descriptors: number[]) => {
      opened.push(...descriptors);
      return descriptors;
    };
    try {
      const [memory = -1] = open(
        addon.createMemory('forkful-pipe', 2 * addon.ringRegionBytes(RING_BYTES, false)),
      );
      const [a = -1] = open(addon.createEvent());
      const [b = -1] = open(addon.createEvent());
      const [socketA = -1, socketB = -1] = open(...addon.createSockets());
      const first = new NativeDuplex([memory, a, b, socketA], 0, decode, true);
      // Each end owns descriptors of its own, so that each can be closed alone.
      const [memoryB = -1, ownB = -1, peerB = -1] = open(...addon.duplicate([memory, b, a]));
      const second = new NativeDuplex([memoryB, ownB, peerB, socketB], 1, decode);
      return [first, second];
    } catch (error) {
      addon.closeDescriptors(opened);
      throw error;
    }
  }

  /** Takes over the descriptors: [memory, own event, the peer's event, socket]. */
  constructor(descriptors: readonly number[], side: number, decode: Decode<T>, isNew = false) {
    const end = new DuplexEnd(descriptors, side, decode, isNew);
    this.#end = end;
    this.#close = ownResources(this, () => {
      end.close();
    });
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** The socket, for descriptors that accompany messages. */
  get socket(): number {
    return this.#end.socket;
  }

  trySend(tag: number, data: Uint8Array, length: number, start = 0, shares?: readonly Share[]): boolean {
    return this.#end.sender.trySend(tag, data, length, start, shares);
  }

  trySendLed(tag: number, data: Uint8Array, length: number, lead: Uint8Array): boolean {
    return this.#end.sender.trySendLed(tag, data, length, lead);
  }

  send(tag: number, data: Uint8Array, length: number, wait: Wait, shares?: readonly Share[]): Promise<void> {
    return this.#end.sender.send(tag, data, length, wait, shares);
  }

  sendSync(
    tag: number,
    data: Uint8Array,
    length: number,
    timeout: number,
    shares?: readonly Share[],
  ): boolean {
    return this.#end.sender.sendSync(tag, data, length, timeout, shares);
  }

  trySendMany(batch: Batch, first: number): number {
    return this.#end.sender.trySendMany(batch, first);
  }

  tryReceive(): T | Nothing {
    return this.#end.receiver.tryReceive();
  }

  receive(wait: Wait): Promise<T> {
    return this.#end.receiver.receive(wait);
  }

  receiveSync(timeout: number): T | Nothing {
    return this.#end.receiver.receiveSync(timeout);
  }

  tryReceiveMany(max: number): T[] {
    return this.#end.receiver.tryReceiveMany(max);
  }

  receiveMany(max: number, wait: Wait): Promise<T[]> {
    return this.#end.receiver.receiveMany(max, wait);
  }

  receiveManySync(max: number, timeout: number): T[] {
    return this.#end.receiver.receiveManySync(max, timeout);
  }

  readable(): boolean {
    return this.#end.receiver.readable();
  }

  whenReadable(listener: () => void): () => void {
    return this.#end.receiver.whenReadable(listener);
  }

  unsend<U>(decode: Decode<U>, done: (messages: U[]) => void): void {
    const messages: U[] = [];
    while (this.#open) {
      const status = inbox.take(this.#end.outgoing.number, 0);
      if (status > Status.Busy) throw failure(status);
      if (status !== Status.Ok) break;
      messages.push(decode(inbox));
    }
    done(messages);
  }

  unreceived(): number {
    return this.#open ? this.#end.outgoing.size() : 0;
  }

  onReadable(listener: () => void): void {
    this.#end.hear(listener);
  }

  expect(): void {
    this.#end.expect();
  }

  linger(): boolean {
    return this.#end.receiver.linger();
  }

  /** Lets the listener receive what is there. */
  takeIn(): void {
    this.#end.drain();
  }

  share(): Share {
    if (!this.#open) throw new ClosedError('expected an open connection to pass on, but it is closed');
    return { kind: 'duplex', key: this.#end.side, descriptors: this.#end.descriptors };
  }

  close(): void {
    this.#open = false;
    this.#close();
  }
}
