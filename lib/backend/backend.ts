/**
 * What the primitives need from the machine. There are two implementations: the addon, and pure Node over
 * child_process. Callers never ask which one they have.
 */

import type { Readable } from 'node:stream';
import type { MappingBackend } from './mapping';
import type { SynchronizeBackend } from './synchronize';

/** The addon over shared memory, or pure Node over `child_process`. */
export type BackendName = 'native' | 'child_process';
/** How a process comes about: a copy of this one, a copy of a forkserver, or a new Node. */
export type StartMethod = 'fork' | 'forkserver' | 'spawn';

/** How long, and until what, an asynchronous operation waits. */
export interface Wait {
  /** Milliseconds; Infinity waits for ever. */
  readonly timeout: number;
  readonly signal: AbortSignal | undefined;
  /** The error of this operation when the time is over. */
  readonly timedOut: () => Error;
  /** Kept alive while the operation waits: collecting it would close the transport. */
  readonly owner: object;
}

/** One received message: bytes that are valid during the call that hands them over. */
export interface Message {
  readonly tag: number;
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
  /** The rights that came with it, in the order of the {@link Share}s; whoever decodes the message has them now. */
  readonly descriptors: readonly number[];
  /** Whether nothing else ever lies in `buffer`: values may be views of it. */
  readonly isAlone?: boolean;
  /** Makes the bytes the receiver's own, for as long as it wants. */
  keep(): void;
}

export type Decode<T> = (message: Message) => T;

/** Several messages for one call: `lengths[2i]` bytes with tag `lengths[2i + 1]`, each at a multiple of 8. */
export interface Batch {
  readonly data: Buffer;
  readonly lengths: Uint32Array;
  readonly count: number;
}

/** Bytes that a message takes in a batch. */
export function align(length: number): number {
  return Math.ceil(length / 8) * 8;
}

/** Where a batch's message begins. */
export function offsetIn(batch: Batch, index: number): number {
  let offset = 0;
  for (let i = 0; i < index; i++) offset += align(batch.lengths[2 * i] ?? 0);
  return offset;
}

/** The most messages that one batch may hold. */
export const MOST_PER_BATCH = 64;

/** What {@link Receiver.tryReceive} gives when there is nothing. */
export const NOTHING: unique symbol = Symbol('nothing');
export type Nothing = typeof NOTHING;

/**
 * The sending half of a transport. Operations take effect in the order of the calls. A message may carry rights: from
 * the call on they are valid whatever becomes of the objects that gave them, or of this process once it is sent; until
 * it is received, or the transport is gone.
 */
export interface Sender {
  /**
   * Sends if that can be done at once and without asking anybody; false also if there may be room after all, which
   * {@link sendSync} with a timeout of 0 finds out.
   */
  trySend(tag: number, data: Uint8Array, length: number, start?: number, shares?: readonly Share[]): boolean;
  /** Like {@link trySend}: one message of the bytes `lead` and, behind them, `data`. For a `lead` that is large. */
  trySendLed(tag: number, data: Uint8Array, length: number, lead: Uint8Array): boolean;
  /** Resolves when the message is where the death of this process cannot undo it. The bytes are copied at the call. */
  send(tag: number, data: Uint8Array, length: number, wait: Wait, shares?: readonly Share[]): Promise<void>;
  /**
   * Blocks the thread for at most `timeout` ms; false if there was no room. The message is on its way when this returns,
   * even if the thread then does nothing else.
   */
  sendSync(
    tag: number,
    data: Uint8Array,
    length: number,
    timeout: number,
    shares?: readonly Share[],
  ): boolean;
  /** How many of the batch's messages, from `first` on, went at once; those are on their way when this returns. */
  trySendMany(batch: Batch, first: number): number;
}

/** The receiving half of a transport. */
export interface Receiver<T> {
  /** What can be had at once and without asking anybody; nothing, too, while earlier operations still wait. */
  tryReceive(): T | Nothing;
  receive(wait: Wait): Promise<T>;
  /** With a timeout of 0 nothing means that there was nothing. */
  receiveSync(timeout: number): T | Nothing;
  /** Like {@link tryReceive}, at most `max`. */
  tryReceiveMany(max: number): T[];
  /** At least one message, waiting for it, and at most `max` of those that are there then. */
  receiveMany(max: number, wait: Wait): Promise<T[]>;
  /** Empty if there was nothing. */
  receiveManySync(max: number, timeout: number): T[];
  /** Whether something can be received, or nothing ever will. */
  readable(): boolean;
  /**
   * Calls the listener once, as soon as the transport is {@link readable}; maybe at once, maybe inside a Sync call.
   * Takes nothing, so that somebody else may be faster. Returns what calls it off. Holds the event loop meanwhile.
   */
  whenReadable(listener: () => void): () => void;
}

/** A right to a transport on its way to another process. Opaque to the primitives. */
export interface Share {
  readonly kind:
    'channel' | 'duplex' | 'memory' | 'semaphore' | 'mutex' | 'flag' | 'wait-line' | 'gate' | 'none';
  /** Whatever number tells the backend which one is meant, beside the descriptors. */
  readonly key: number;
  readonly descriptors: readonly number[];
}

/** Of a joinable channel: how many messages were sent, in whatever process, and are not done. */
export interface Account {
  /**
   * One received message is done: one that this process took, else one that an ended process took, else anyone's.
   * false: everything that was sent is done already.
   */
  done(): boolean;
  /**
   * Resolves when everything that was sent is done. Rejects with ConsumerLostError if a process has ended without being
   * done with what it took, unless others were in its place.
   */
  join(wait: Wait): Promise<void>;
  /** Whether everything is done; definite with a timeout of 0. Throws as {@link join} rejects. */
  joinSync(timeout: number): boolean;
}

/** Rights of one's own, so that they outlive the objects that gave them. */
export interface RetainedShares {
  readonly shares: readonly Share[];
  /** Gives them up. Idempotent. */
  release(): void;
}

/** Many-to-many, bounded or not. */
export interface Channel<T> extends Sender, Receiver<T> {
  size(): number;
  full(): boolean;
  /** How many calls of {@link send} have not been settled. Goes on to fall during {@link Backend.runUntil}. */
  pendingSends(): number;
  /** Whether these keep the event loop alive, now and later; they do until somebody says otherwise. */
  holdSends(held: boolean): void;
  /**
   * Ends sending in all processes: sends fail with ClosedError, those that wait too; in this process from the return on.
   * What was sent can still be received, unless `immediate` drops it (it counts as done); then receiving fails with
   * ClosedError. Again and with `immediate`: drops what is left.
   */
  shutdown(immediate: boolean): void;
  /** undefined unless the channel is joinable. */
  readonly account: Account | undefined;
  share(): Share;
  close(): void;
}

export interface ChannelOptions {
  /** Most messages at a time; 0: no bound. */
  readonly maxItems: number;
  /** Most bytes at a time; 0: no bound. A larger message passes alone. */
  readonly maxBytes: number;
  /** Whether it has an {@link Account}. */
  readonly joinable: boolean;
}

/** One end of a two-way transport that tells when the other end is gone. */
export interface Duplex<T> extends Sender, Receiver<T> {
  /**
   * Takes back all that the peer has not received, oldest first: whoever is told of a message has it alone. Tells
   * `done` at once, or later if the peer's side must be asked.
   */
  unsend<U>(decode: Decode<U>, done: (messages: U[]) => void): void;
  /** Messages that the peer has not received yet; Infinity where that is not known here. */
  unreceived(): number;
  /** Calls the listener whenever there may be something to receive; used instead of {@link Receiver.receive}. */
  onReadable(listener: () => void): void;
  /**
   * The peer answers soon what was sent last: the event loop may spin for that before it sleeps, where that has paid
   * lately. Of use only with {@link onReadable}.
   */
  expect(): void;
  /** Blocks for some µs, where that has paid lately, until there is something to receive; whether there is. */
  linger(): boolean;
  share(): Share;
  close(): void;
}

export interface MemoryRequest {
  /** What errors call it, e.g. 'SharedArray'. */
  readonly what: string;
  /** What the bytes mean to their users; kept with them. */
  readonly kind: number;
  /** For other programs of this user to find. */
  readonly name?: string;
}

/** Shared memory. It lives until all that have it have closed it or ended, however. */
export interface Memory {
  /** Over the shared bytes; detached by {@link close}. */
  readonly buffer: ArrayBuffer;
  readonly kind: number;
  /**
   * Calls `act` while nobody else, in any process, is in such a call on this memory; `act` may nest another one. Blocks
   * the thread for at most `timeout` ms; false if it did not come to it. The death of a holder lets the next one in.
   * @param act is told whether the holder before died in it
   */
  run(act: (ownerDied: boolean) => void, timeout: number): boolean;
  share(): Share;
  /** Takes the name away, if it still leads here. Those who have the memory keep it. Also after {@link close}. */
  unlink(): void;
  close(): void;
}

/** What a process does that is a copy of this one. */
export interface ForkedBody {
  /** In this process, before the fork. */
  before(): Promise<void>;
  /** In this process, after the fork. */
  inParent(): void;
  /** In the child; it ends when this settles. */
  inChild(connect: <T>(decode: Decode<T>) => Upstream<T>): Promise<void>;
}
/** Where a child's stdout and stderr lead to. */
export type Stdio = 'inherit' | 'pipe' | 'ignore';

export interface LaunchRequest {
  readonly method: StartMethod;
  /** Of the forkserver that the child comes from. */
  readonly preload: Preload;
  /** If the method turns out not to be safe here, another one will do. */
  readonly fallback: boolean;
  /** Node's own arguments. */
  readonly execArgv: readonly string[];
  /** What the child sees as process.argv from 2 on. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly cwd: string | undefined;
  readonly stdio: Stdio;
  readonly detached: boolean;
  /** The first message the child receives. */
  readonly message: { readonly data: Uint8Array; readonly length: number };
  readonly shares: readonly Share[];
  /** For the method 'fork' alone. There may be no message then. */
  readonly fork?: ForkedBody;
}

/** What a forkserver does once, so that its children need not. JSON: it travels among a program's arguments. */
export interface Preload {
  /** File names and URLs. */
  readonly modules: readonly string[];
  /** References to functions that are called when they are loaded. */
  readonly warmups: readonly unknown[];
  readonly onError: 'ignore' | 'warn' | 'fail';
  /** Milliseconds that it may take. @default Infinity */
  readonly limit?: number;
  /** It is that of a context or pool, not the program's. */
  readonly isOwn?: true;
}

export interface ExitStatus {
  /** null if ended by a signal. */
  readonly exitCode: number | null;
  readonly signal: NodeJS.Signals | null;
}

/** A child as its parent sees it. */
export interface Child<T> {
  /** undefined until it has been started. */
  readonly pid: number | undefined;
  readonly link: Duplex<T>;
  /** undefined while it runs. */
  readonly status: ExitStatus | undefined;
  /** Called once: with undefined when it has been started, else with the reason why not. */
  onStart(listener: (error: unknown) => void): void;
  /** Called once, when it has ended. */
  onExit(listener: (status: ExitStatus) => void): void;
  /**
   * What the child writes to its stdout (1) or stderr (2), if that is piped; always the same stream.
   * @param held whether the event loop stays alive while somebody reads it
   */
  output(descriptor: 1 | 2, held: boolean): Readable | undefined;
  /** Whether there was somebody to signal; a child that is being started is signalled when it is there. */
  kill(signal: number): boolean;
  /** Whether the event loop stays alive until the child has ended. */
  hold(held: boolean): void;
  close(): void;
}

/** The parent as a child sees it. */
export interface Upstream<T> {
  readonly link: Duplex<T>;
  /** The first message, which is there already. Once only. */
  takeOrders(): T;
  /** The descriptors that came with the first message, in the order of the shares. */
  receiveDescriptors(count: number): number[];
  /** Ends this process when its parent ends, however. */
  dieWithParent(): void;
}

export interface Backend extends MappingBackend, SynchronizeBackend {
  readonly name: BackendName;
  /** Those that the platform offers, the default one first. */
  readonly startMethods: readonly StartMethod[];
  /** Why a start method is known not to work in this program; undefined if nothing is known against it. */
  unavailable(method: StartMethod): string | undefined;
  createChannel<T>(options: ChannelOptions, decode: Decode<T>): Channel<T>;
  /**
   * The channel of this name of all programs of this user; a new one if nobody uses it. Its bounds are those of who made
   * it.
   * @throws ExistsError if it is in use and was to be `exclusive`
   * @throws UnsupportedError, CorruptError, MemoryError
   */
  nameChannel<T>(
    name: string,
    exclusive: boolean,
    options: ChannelOptions,
    decode: Decode<T>,
  ): { readonly channel: Channel<T>; readonly bounds: ChannelOptions };
  openChannel<T>(share: Share, decode: Decode<T>, name?: string): Channel<T>;
  createDuplex<T>(decode: Decode<T>): [Duplex<T>, Duplex<T>];
  openDuplex<T>(share: Share, decode: Decode<T>): Duplex<T>;
  /**
   * Zeros that are there: no later access can find memory exhausted.
   * @throws UnsupportedError if this backend cannot share memory
   * @throws MemoryError if there is not enough
   * @throws ExistsError if somebody uses the name
   */
  createMemory(bytes: number, request: MemoryRequest): Memory;
  /** @throws NotFoundError if nobody has memory of this name */
  findMemory(name: string, request: MemoryRequest): Memory;
  openMemory(share: Share, name?: string): Memory;
  /** Removes the names that programs which are gone have left. */
  removeUnusedNames(): void;
  /** Throws, or tells {@link Child.onStart}, what goes wrong. */
  launch<T>(request: LaunchRequest, decode: Decode<T>): Child<T>;
  /** In a child: the way to its parent. Once only. */
  connectToParent<T>(decode: Decode<T>): Upstream<T>;
  /**
   * Blocks the thread, while this library's own work goes on, until `done()`; false when `timeout` ms are over. No
   * JavaScript but the library's runs meanwhile.
   */
  runUntil(done: () => boolean, timeout: number): boolean;
  retain(shares: readonly Share[]): RetainedShares;
  /** Gives up a right that came with a message and that nobody has opened. */
  discard(share: Share): void;
  /** Keeps the event loop alive once more, or once less. */
  hold(delta: 1 | -1): void;
  /** Marks work that must go on during a Sync call on another object. */
  needProgress(delta: 1 | -1): void;
}
