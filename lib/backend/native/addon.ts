import { constants } from 'node:os';
import { ownFile } from '../../own-files';

/** Results of ring operations; mirrors native/core/status.h. */
export const Status = {
  Ok: 0,
  Empty: 1,
  Full: 2,
  Busy: 3,
  NoMemory: 4,
  TooLarge: 5,
  Short: 6,
  Corrupt: 7,
  Shut: 8,
  Crowded: 9,
  Descriptors: 10,
} as const;

/** In the tag of a record whose descriptors are to be taken; mirrors native/core/ring_layout.h. */
export const WITH_PARCEL = 0x8000_0000;
/** Bytes that the record of a message with descriptors has more. */
export const PARCEL_BYTES = 8;

export interface NativeRing {
  /** For what is done with each message: {@link Addon.tryPut} and those that follow it. Not valid after close. */
  readonly number: number;
  readonly maxItems: number;
  readonly maxBytes: number;
  readonly joinable: boolean;
  /** Spins where that has paid lately; whether something came. If not, the caller sleeps, and says when it `woke`. */
  spin(): boolean;
  woke(): void;
  armNotEmpty(): number;
  armNotFull(length: number): number;
  size(): number;
  full(): boolean;
  /** `drop`: what is there, too. Busy: nothing has happened. */
  shut(drop: boolean): number;
  isShut(): boolean;
  /** With a ledger only, as all that follows. Empty: there was nothing to finish. */
  finish(): number;
  /** Ok: all is done; Full: not yet, armed. */
  armJoined(): number;
  /** (pid, start time, balance) of each process that has ever taken. */
  accounts(): number[];
  close(): void;
}

export interface NativeBlock {
  /** Once only. */
  buffer(): ArrayBuffer;
  kind(): number;
  descriptor(): number;
  run(act: (ownerDied: boolean) => void, timeout: number): boolean;
  /** Whoever watches its file hears of it: see {@link Addon.watchBell}. */
  ring(): void;
  removeName(file: string): void;
  /** Detaches the buffer. */
  close(buffer: ArrayBuffer): void;
}

export interface NativeMapping {
  /** Once only. */
  buffer(): ArrayBuffer;
  descriptor(): number;
  /** Takes the memory for all of it. */
  reserve(): void;
  advise(offset: number, length: number, advice: number): void;
  /** Detaches the buffer. */
  close(buffer: ArrayBuffer): void;
}

export interface NativeReactor {
  add(fd: number, token: number): void;
  remove(fd: number): void;
  hold(held: boolean): void;
  /** Something comes soon into the ring of this number. */
  expect(ring: number): void;
  /** Blocks; the tokens of the events are in scratch. */
  wait(timeout: number): number;
  close(): void;
}

/** A forked child that nobody has given anything yet. */
export interface Newborn {
  readonly pid: number;
  /** Its connection to the forkserver. */
  readonly control: number;
  /** How many were forked before it. */
  readonly serial: number;
  /** How many inherited sockets look closed now. */
  readonly deadSockets: number;
}

/** The descriptors that make a newborn somebody's child. */
export interface GivenBirth {
  readonly link: number[];
  /** -1 if detached. */
  readonly life: number;
  /** To be closed when the orders are taken. */
  readonly gate: number;
}

/** One message between a forkserver, its clients and its children; the kinds are in forkserver/protocol.ts. */
export interface Packet {
  readonly kind: number;
  readonly id: number;
  readonly a: number;
  readonly b: number;
  readonly text: string;
  readonly descriptors: number[];
}

/** What a copy of this process has of its own. */
export interface ForkDescription {
  /** Descriptors that become its stdout and stderr; -1: /dev/null. */
  readonly out: number;
  readonly err: number;
  readonly newSession: boolean;
  /** The sockets that stay connected in it. */
  readonly keep: readonly number[];
}

export interface Addon {
  /** Takes over the descriptor. `apart`: its mapping is no use of the file's name, only the descriptor is. */
  Block: new (descriptor: number, apart: boolean) => NativeBlock;
  createBlock(bytes: number, kind: number): number;
  createNamedBlock(bytes: number, kind: number, file: string): number;
  openNamedFile(file: string): number;
  removeUnusedBlocks(): void;
  /** Takes over the descriptor. */
  Mapping: new (descriptor: number) => NativeMapping;
  createMapping(bytes: number): number;
  /** 0: woken; 1: the word is another; 2: the time is over. */
  futexWait(word: Int32Array, expected: number, timeout: number): number;
  /** How many were woken. */
  futexWake(word: Int32Array, most: number): number;
  Ring: new (
    memory: number,
    offset: number,
    /** Of who waits for messages, for room, and for all to be done. */
    events: readonly number[],
    /** Sockets for the descriptors that go with records: to send into, to receive from; -1: none. */
    parcels: readonly [out: number, into: number],
    limits?: { dataBytes: number; maxItems: number; maxBytes: number; joinable: boolean },
  ) => NativeRing;
  // Results of these: scratch, see below. `ring` is a ring's number.
  tryPut(ring: number, tag: number, data: Uint8Array, length: number, start: number): number;
  /** Like tryPut: one message of the bytes `lead` and, behind them, `data`. */
  tryPutLed(ring: number, tag: number, data: Uint8Array, length: number, lead: Uint8Array): number;
  putSync(ring: number, tag: number, data: Uint8Array, length: number, timeout: number): number;
  /** scratch[0]: how many went. */
  tryPutMany(ring: number, data: Uint8Array, lengths: Uint32Array, offset: number, count: number): number;
  /** scratch: [count, (tag, length, offset from `start`)…]; after Short the length needed is in the first record. */
  tryGet(ring: number, start: number, max: number): number;
  /** One message. */
  getSync(ring: number, start: number, timeout: number): number;
  /** One message, into memory of its own. */
  tryGetLarge(ring: number, into: Uint8Array): number;
  /** Like tryPut. Busy, too, if no more descriptors may wait. */
  tryPutWith(
    ring: number,
    tag: number,
    data: Uint8Array,
    length: number,
    start: number,
    descriptors: readonly number[],
  ): number;
  /** Of a record whose tag has {@link WITH_PARCEL}, before the next one is received. They are the caller's. */
  takeDescriptors(): number[];
  /** Where messages land. Before each call make sure that it still has its memory: somebody may have transferred it. */
  useSlab(slab: Uint8Array): void;
  /** In µs, for rings opened from now on; 0 forbids it. */
  limitSpinning(most: number): void;
  /** A descriptor of the file. */
  createNamedRing(
    file: string,
    limits: { dataBytes: number; maxItems: number; maxBytes: number; joinable: boolean },
  ): number;
  removeNameIfUnused(file: string): void;
  /** For a process that ends: takes the name away unless somebody else uses the file. */
  giveUpName(descriptor: number, file: string): void;
  openBells(): number;
  /** A number, which is the same for the same file. */
  watchBell(bells: number, file: number): number;
  unwatchBell(bells: number, watch: number): void;
  /** Which were rung since; -1: perhaps any. */
  readBells(bells: number): number[];
  Reactor: new (onEvents: (count: number) => void, onExpected: (came: boolean) => void) => NativeReactor;
  useScratch(array: Uint32Array): void;
  createMemory(label: string, bytes: number): number;
  createEvent(): number;
  createSockets(): [number, number];
  createPipe(): [number, number];
  closeDescriptors(descriptors: readonly number[]): void;
  closeOnExec(descriptors: readonly number[]): void;
  /** Close-on-exec copies. */
  duplicate(descriptors: readonly number[]): number[];
  /** From now on `other` refers to what `descriptor` does. */
  redirect(descriptor: number, other: number): void;
  sendDescriptors(socket: number, descriptors: readonly number[]): void;
  receiveDescriptors(socket: number, timeout: number): number[];
  peerGone(socket: number): boolean;
  waitReadable(fd: number, timeout: number): boolean;
  dieWithPipe(readEnd: number): number;
  spawn(request: {
    file: string;
    args: readonly string[];
    env: readonly string[];
    cwd: string;
    fds: readonly number[];
    newSession: boolean;
  }): [pid: number, pidfd: number];
  reap(pid: number): [code: number, signal: number] | undefined;
  openProcess(pid: number): number;
  /** A pidfd; -1 if the process that was started at that time has ended. */
  openIfAlive(pid: number, started: number): number;
  signalProcess(pidfd: number, signal: number): boolean;
  ringRegionBytes(dataBytes: number, joinable: boolean): number;
  /** '' or what this system refuses of all that the addon needs. */
  probe(addressSpace: number): string;
  /** '' or why not. */
  disablePlatformThreads(): string;
  threadCount(): number;
  /** undefined in the probe itself. */
  startProbe(own: readonly number[]): [pid: number, pidfd: number] | undefined;
  /** Waits for the probe. '' or why there can be no forkserver. */
  openForkserver(
    control: number,
    own: readonly number[],
    probe: readonly [pid: number, pidfd: number],
    probeTimeout: number,
  ): string;
  /** Returns in each child; null once, when there is time to prepare for more; undefined when the main process is gone. */
  serveForks(): undefined | null | Newborn;
  /** Blocks; undefined if the forkserver is gone. */
  awaitBirth(control: number): GivenBirth | undefined;
  /** false: no room. */
  sendPacket(
    socket: number,
    kind: number,
    id: number,
    a: number,
    b: number,
    descriptors: readonly number[],
    text?: string,
  ): boolean;
  /** undefined: nothing there; null: the peer is gone. */
  receivePacket(socket: number): Packet | undefined | null;
  /** Of the next packet, which stays; undefined: there is none. */
  nextKind(socket: number): number | undefined;
  leave(code: number): never;
  /** Asks the system. */
  pid(): number;
  /**
   * Forks this program from its event loop, at the next turn. `describe` is called right before: undefined calls it off. `act` is called in both: in the parent with the child's pid
   * and pidfd (or -errno), in the child with 0 and how many sockets look closed now.
   */
  forkSoon(describe: () => ForkDescription | undefined, act: (pid: number, other: number) => void): void;
  /** '' or why {@link disablePlatformThreads} would fail. */
  platformProblem(): string;
}

// eslint-disable-next-line @typescript-eslint/no-require-imports -- the loader is CommonJS and returns whatever it found
const load = require('node-gyp-build') as (folder: string) => Addon;

export const addon: Addon = load(ownFile('..'));

/** Where native calls leave what does not fit their return value. An ArrayBuffer of its own, so that it never moves. */
export const scratch = new Uint32Array(new ArrayBuffer(4096));
addon.useScratch(scratch);

const namesBySignal = new Map<number, NodeJS.Signals>();
for (const [name, value] of Object.entries(constants.signals)) {
  // Some numbers have two names: the first is the usual one.
  if (!namesBySignal.has(value)) namesBySignal.set(value, name as NodeJS.Signals);
}

export function signalName(signal: number): NodeJS.Signals {
  return namesBySignal.get(signal) ?? (`SIG${signal}` as NodeJS.Signals);
}
