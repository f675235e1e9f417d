import { readFileSync } from 'node:fs';
import { getSystemErrorName } from 'node:util';
import type { Deadline } from '../../../deadlines';
import { debug } from '../../../debug';
import { whenForked } from '../../../forked';
import { LaunchError, UnsupportedError } from '../../../errors';
import { type ExitStatus, type LaunchRequest, type Preload } from '../../backend';
import { addon, type Packet } from '../addon';
import { launchError, systemError } from '../../surroundings';
import type { Birth } from '../birth';
import { UNKNOWN_STATUS, exitStatus, type NativeChild } from '../child';
import { credentials } from '../credentials';
import { lifeReadEnd } from '../life';
import { reactor } from '../reactor';
import { bury, connect, destroy } from './door';
import { DETACHED, Kind, NULL_STANDARD, SETTINGS_TAG, type Settings } from './protocol';

/** Requests on their way at a time: the kernel bounds the descriptors in flight. */
const WINDOW = 32;
/** Forkservers that end while they start one child, until that is given up. */
const MOST_ATTEMPTS = 5;
/** How long (ms) a forkserver may take to tell how a child has ended; one that is stopped never does. */
const PATIENCE = 1000;

/** In a forked child: its own connection to the forkserver that it comes from, and which one that is. */
let inherited: { readonly name: string; readonly socket: number } | undefined;

export function inheritConnection(socket: number, execArgv: readonly string[], preload: Preload): void {
  inherited = { name: nameOf(execArgv, preload), socket };
}

/** Children are what their forkserver is: where anything of it differs, there is another one. */
function nameOf(execArgv: readonly string[], preload: Preload): string {
  return JSON.stringify([credentials(), execArgv, preload]);
}

interface Running {
  readonly child: NativeChild<never>;
  ended: ExitStatus | undefined;
  /** Its forkserver is gone: nobody will tell how it ends but itself. */
  isOrphan: boolean;
}

/** The births of one kind of forkserver. Outlives the server itself: the next one takes over what is not born. */
class ForkserverClient {
  readonly #name: string;
  readonly #execArgv: readonly string[];
  readonly #preload: Preload;
  #socket = -1;
  #token = 0;
  #isReady = false;
  #limit: Deadline | undefined;
  /** It did not answer in time; until it does nobody waits for it again. */
  #isDeaf = false;
  #nextId = 1;
  readonly #waiting: Birth<never>[] = [];
  readonly #starting = new Map<number, Birth<never>>();
  readonly #running = new Map<number, Running>();

  constructor(name: string, execArgv: readonly string[], loaded: Preload) {
    this.#name = name;
    this.#execArgv = execArgv;
    this.#preload = loaded;
  }

  get isProgramWide(): boolean {
    return this.#preload.isOwn !== true;
  }

  /** In a process that was forked from this one: the births are the parent's. */
  abandon(): void {
    reactor.deadlines.clear(this.#limit);
    if (this.#socket >= 0) {
      reactor.unwatch(this.#socket, this.#token);
      addon.closeDescriptors([this.#socket]);
    }
    for (const birth of [...this.#waiting, ...this.#starting.values()]) {
      birth.closeGate();
      birth.theirs.close();
    }
  }

  /** Why children are not started in this way. */
  refusal: string | undefined;

  start(birth: Birth<never>): void {
    try {
      birth.checkDirectory();
      order(birth);
    } catch (error) {
      birth.abandon();
      throw launchError(error);
    }
    this.#count(1);
    this.#waiting.push(birth);
    this.#pump();
  }

  /** While children are being started the event loop stays alive, and blocking calls let it go on. */
  #count(delta: 1 | -1): void {
    reactor.hold(delta);
    reactor.needProgress(delta);
  }

  #pump(): void {
    while (this.#waiting.length > 0 && this.#starting.size < WINDOW) {
      if (this.refusal === undefined && this.#socket < 0) this.#connect();
      const birth = this.#waiting.shift();
      if (birth === undefined) return;
      if (this.refusal === undefined) this.#send(birth);
      else this.#refuse(birth, this.refusal);
    }
  }

  #connect(): void {
    if (inherited?.name === this.#name) {
      this.#socket = inherited.socket;
      inherited = undefined;
    } else {
      try {
        this.#socket = connect(this.#name, this.#execArgv, this.#preload);
      } catch (error) {
        for (const birth of this.#waiting.splice(0)) this.#fail(birth, launchError(error));
        return;
      }
    }
    this.#isReady = false;
    const { limit = Infinity } = this.#preload;
    this.#limit = reactor.deadlines.set(limit, () => {
      this.refusal = `its preload has not ended within ${limit} ms`;
      destroy(this.#name);
    });
    this.#token = reactor.watch(this.#socket, () => {
      this.#receive();
    });
  }

  #send(birth: Birth<never>): void {
    const { request, theirs, standard } = birth;
    let flags = request.detached ? DETACHED : 0;
    const descriptors: number[] = [];
    for (const [fd, flag] of NULL_STANDARD.entries()) {
      const descriptor = standard[fd] ?? -1;
      if (descriptor < 0) flags |= flag;
      else descriptors.push(descriptor);
    }
    descriptors.push(...theirs.share().descriptors);
    const id = this.#nextId;
    this.#nextId = (this.#nextId + 1) >>> 0;
    try {
      if (!request.detached) descriptors.push(lifeReadEnd());
      const [gate, theirGate] = addon.createPipe();
      birth.gate = gate;
      this.#starting.set(id, birth);
      try {
        // There is room for the whole window.
        addon.sendPacket(this.#socket, Kind.Fork, id, flags, 0, [...descriptors, theirGate]);
      } finally {
        addon.closeDescriptors([theirGate]);
      }
    } catch (error) {
      // That the server is gone is noticed by the hang-up.
      if ((error as NodeJS.ErrnoException).code === 'EPIPE') return;
      this.#starting.delete(id);
      this.#fail(birth, launchError(error));
    }
  }

  #receive(): void {
    while (this.#socket >= 0) {
      const packet = addon.receivePacket(this.#socket);
      if (packet === undefined) return;
      this.#isDeaf = false;
      if (packet === null) this.#gone();
      else this.#handle(packet);
    }
  }

  #handle({ kind, id, a, b, descriptors }: Packet): void {
    if (kind === Kind.Ready) {
      this.#isReady = true;
      reactor.deadlines.clear(this.#limit);
      return;
    }
    if (kind === Kind.Ended) {
      const running = this.#running.get(id);
      if (running === undefined) return;
      this.#running.delete(id);
      running.ended = exitStatus(a, b);
      running.child.look();
      return;
    }
    const birth = this.#starting.get(id);
    if (birth === undefined) {
      addon.closeDescriptors(descriptors);
      return;
    }
    this.#starting.delete(id);
    birth.closeGate();
    if (kind === Kind.Started) this.#started(id, birth, a, descriptors[0]);
    else this.#fail(birth, launchError(systemError('fork', getSystemErrorName(-a))));
    this.#pump();
  }

  #started(id: number, birth: Birth<never>, pid: number, pidfd: number | undefined): void {
    const { child } = birth;
    birth.closeTheirs();
    const running: Running = { child, ended: undefined, isOrphan: false };
    this.#running.set(id, running);
    child.onExit(() => this.#running.delete(id));
    // No number was free for the pidfd; now some are.
    const handle = pidfd ?? openChild(birth, pid);
    child.started(pid, handle, () => running.ended ?? this.#awaitStatus(running));
    this.#count(-1);
  }

  /** A child has ended: its forkserver is about to reap it and tell how, unless it is gone or stopped. */
  #awaitStatus(running: Running): ExitStatus {
    const end = performance.now() + PATIENCE;
    while (!running.isOrphan && !this.#isDeaf) {
      if (addon.waitReadable(this.#socket, end - performance.now())) this.#receive();
      else this.#isDeaf = true;
      if (running.ended !== undefined) return running.ended;
    }
    return farewell(running.child) ?? UNKNOWN_STATUS;
  }

  #gone(): void {
    reactor.deadlines.clear(this.#limit);
    reactor.unwatch(this.#socket, this.#token);
    addon.closeDescriptors([this.#socket]);
    this.#socket = -1;
    const { refusal, exitCode } = bury(this.#name);
    if (refusal !== undefined) this.refusal = refusal;
    else if (!this.#isReady && exitCode !== undefined) {
      this.refusal = `it ended with exit code ${exitCode} before it could serve; its stderr may tell why`;
    }
    const orphans = [...this.#running.values()];
    this.#running.clear();
    for (const orphan of orphans) {
      orphan.isOrphan = true;
      orphan.child.look();
    }
    const unborn = [...this.#starting.values()];
    this.#starting.clear();
    debug(`the forkserver is gone; it had ${orphans.length} children, and ${unborn.length} to start`);
    // A child may have been forked, and may be about to take its orders: the gate closes when that is decided.
    for (const birth of unborn) {
      const token = reactor.watch(birth.gate, () => {
        reactor.unwatch(birth.gate, token);
        this.#retry(birth);
      });
    }
    this.#pump();
  }

  #retry(birth: Birth<never>): void {
    birth.closeGate();
    if (!birth.takeBack()) {
      this.#adopt(birth);
      return;
    }
    const attempts = ++birth.attempts;
    if (attempts >= MOST_ATTEMPTS) {
      const message = `the forkserver was killed ${attempts} times while it should start one process`;
      if (birth.request.fallback) this.#spawn(birth);
      else this.#fail(birth, new LaunchError(`${message}; look at who kills it`, { errno: 'ECONNRESET' }));
    } else {
      try {
        order(birth);
        this.#waiting.push(birth);
      } catch (error) {
        this.#fail(birth, launchError(error));
      }
    }
    this.#pump();
  }

  /** A child that took its orders, though its forkserver did not live to tell. */
  #adopt(birth: Birth<never>): void {
    let pid = 0;
    // An earlier child may have said so too, and have ended before it took them. What follows is of its messages.
    const { socket } = birth.ours;
    while (addon.nextKind(socket) === Kind.Born) pid = addon.receivePacket(socket)?.a ?? pid;
    birth.closeTheirs();
    const { child } = birth;
    child.started(pid, openChild(birth, pid), () => farewell(child) ?? UNKNOWN_STATUS);
    this.#count(-1);
  }

  #refuse(birth: Birth<never>, reason: string): void {
    birth.takeBack();
    if (birth.request.fallback) this.#spawn(birth);
    else this.#fail(birth, new UnsupportedError(refusalMessage(reason)));
  }

  #spawn(birth: Birth<never>): void {
    try {
      birth.spawn();
      this.#count(-1);
    } catch (error) {
      this.#fail(birth, error);
    }
  }

  #fail(birth: Birth<never>, error: unknown): void {
    birth.fail(error);
    this.#count(-1);
  }
}

function refusalMessage(reason: string): string {
  return `the start method 'forkserver' is not safe in this program: ${reason}; use 'spawn', or remove the cause`;
}

/** process.umask() sets it to zero for a moment, in all threads. */
function umask(): number {
  return parseInt(/^Umask:\s*(\d+)$/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? '22', 8);
}

/** The messages of a forked child: what exec would have set, then its orders. */
function order(birth: Birth<never>): void {
  const { argv, execArgv } = birth.request;
  const settings: Settings = {
    cwd: birth.cwd,
    umask: umask(),
    env: Object.fromEntries(birth.env),
    argv,
    execArgv,
  };
  const data = Buffer.from(JSON.stringify(settings));
  birth.ours.sendSync(SETTINGS_TAG, data, data.length, 0);
  birth.order();
}

/** A pidfd, or -1 if the child is gone: while its end of the link is open the number cannot be another's. */
function openChild(birth: Birth<never>, pid: number): number {
  try {
    const pidfd = addon.openProcess(pid);
    if (!addon.peerGone(birth.ours.socket)) return pidfd;
    addon.closeDescriptors([pidfd]);
  } catch {
    // ended
  }
  return -1;
}

/** What a child has said last on its link, if it left by itself. */
function farewell({ link }: NativeChild<never>): ExitStatus | undefined {
  link.takeIn(); // with the rights in its messages, which lie before it
  for (;;) {
    const packet = link.isOpen ? addon.receivePacket(link.socket) : undefined;
    if (packet === undefined || packet === null) return undefined;
    if (packet.kind === Kind.Left) return exitStatus(packet.a, 0);
    addon.closeDescriptors(packet.descriptors);
  }
}

const clients = new Map<string, ForkserverClient>();

whenForked(() => {
  for (const client of clients.values()) client.abandon();
  clients.clear();
  inherited = undefined; // its connection is the parent's
});

/** The forkserver whose children run under these arguments of Node's, with this preloaded. */
export function forkserverFor({ execArgv, preload }: LaunchRequest): { start<T>(birth: Birth<T>): void } {
  const key = nameOf(execArgv, preload);
  let client = clients.get(key);
  if (client === undefined) {
    client = new ForkserverClient(key, execArgv, preload);
    clients.set(key, client);
  }
  return client as { start<T>(birth: Birth<T>): void };
}

/** Why forkservers have refused to serve in this program, whatever one of a pool's or context's own has met with. */
export function knownRefusal(): string | undefined {
  for (const { refusal, isProgramWide } of clients.values())
    if (isProgramWide && refusal !== undefined) return refusal;
  return undefined;
}
