import { setImmediate } from 'node:timers/promises';
import { NOTHING, type Decode, type Preload, type Upstream } from '../../backend';
import { addon, type Newborn } from '../addon';
import { NativeDuplex } from '../duplex';
import { beginAlone } from '../fork/threads';
import { leaveNatively } from '../leave';
import { surround } from '../surround';
import { upstreamOver } from '../upstream';
import { inheritConnection } from './client';
import { collector } from './garbage';
import { probe } from './probe';
import { Kind, SERVER, SETTINGS_TAG, type Settings } from './protocol';
import { exhaustCaches, prepareRandomness } from './randomness';
import { followStandardDescriptors } from './standard-streams';
import { census, ownThreads, somethingRanBefore } from './threads';

/** How long (ms) the probe child may take. */
const PROBE_TIMEOUT = 2000;
/** Rounds: the first compiles, the second teaches V8 what to expect. */
const REHEARSALS = 2;

/** One forkserver's life. */
export class Server {
  readonly #threads: number;
  readonly #life: number;
  readonly #problem = addon.disablePlatformThreads();
  readonly #reseed = prepareRandomness();
  #probing: [pid: number, pidfd: number] | undefined;

  /** Before anything of the user's is loaded. */
  static async create(): Promise<Server> {
    addon.closeOnExec([SERVER.control, SERVER.life]);
    const life = addon.dieWithPipe(SERVER.life);
    return new Server(life, await ownThreads());
  }

  /** Descriptors that are no child's business. */
  get #own(): number[] {
    return [SERVER.life, this.#life];
  }

  private constructor(life: number, threads: number) {
    this.#life = life;
    this.#threads = threads;
  }

  /** Ends this process, and tells everybody who waits for it why. */
  refuse(reason: string): never {
    addon.sendPacket(SERVER.control, Kind.Failed, 0, 0, 0, [], reason);
    process.exit(1);
  }

  /** Forks a child that does what children must be able to. It takes its time: the earlier, the better. */
  async probe({ modules, warmups }: Preload): Promise<void> {
    const preloaded = [...modules, ...warmups.map(() => 'a warm-up')];
    const obstacle = this.#problem || census(this.#threads, [...process.execArgv, ...preloaded].join(', '));
    if (obstacle !== '') this.refuse(obstacle);
    await notInPoll();
    this.#probing = addon.startProbe([...this.#own, SERVER.control]);
    if (this.#probing !== undefined) return;
    await probe().then(
      () => addon.leave(0),
      () => addon.leave(1),
    );
  }

  /**
   * Forks a child for each request; returns in each child only, with the way to its parent. The probe is under way.
   * @param preload what has been loaded of the user's
   * @param rehearse does what each child does first, so that children find it compiled
   */
  async serve(
    preload: Preload,
    rehearse: (rounds: number) => Promise<void>,
  ): Promise<<T>(decode: Decode<T>) => Upstream<T>> {
    if (this.#probing === undefined) throw new TypeError('expected probe() before serve()');
    const obstacle = addon.openForkserver(SERVER.control, this.#own, this.#probing, PROBE_TIMEOUT);
    if (obstacle !== '') this.refuse(obstacle);
    let newborn: Newborn | null | undefined;
    do {
      await notInPoll();
      newborn = addon.serveForks();
      // The first children do not wait for this.
      if (newborn === null) await prepare(rehearse);
    } while (newborn === null);
    if (newborn === undefined) return addon.leave(0);
    // Handles of connections that are closed now are told so in two turns of the loop: before somebody uses them.
    if (newborn.deadSockets > 0) {
      await setImmediate();
      await setImmediate();
    }
    return this.#become(newborn, preload, rehearse);
  }

  async #become(
    newborn: Newborn,
    preload: Preload,
    rehearse: (rounds: number) => Promise<void>,
  ): Promise<<T>(decode: Decode<T>) => Upstream<T>> {
    const { pid, control, serial } = newborn;
    Object.defineProperty(process, 'pid', { value: pid });
    beginAlone();
    const setLink = leaveNatively();
    const othersRan = preload.modules.length + preload.warmups.length > 0 || somethingRanBefore();
    this.#reseed(serial, othersRan);
    takeUpTasks();
    // A spare uses its time: the pages that it is going to write become its own now.
    if (!addon.waitReadable(control, 0)) {
      await rehearse(1);
      rehearseSettings();
    }
    const birth = addon.awaitBirth(control);
    if (birth === undefined) return addon.leave(0);
    followStandardDescriptors();
    const [, , , link = -1] = birth.link;
    setLink(link);
    try {
      addon.sendPacket(link, Kind.Born, 0, pid, 0, []);
    } catch {
      return addon.leave(0); // the parent is gone
    }
    return <T>(decode: Decode<T>) => {
      let settings: Settings | undefined;
      const duplex = new NativeDuplex<T>(birth.link, 1, (message) => {
        if (message.tag !== SETTINGS_TAG) return decode(message);
        settings = JSON.parse(message.buffer.toString('utf8', message.start, message.end)) as Settings;
        return undefined as never;
      });
      return upstreamOver(duplex, birth.life, () => {
        duplex.tryReceive();
        const orders = settings === undefined ? NOTHING : duplex.tryReceive();
        addon.closeDescriptors([birth.gate]);
        // The parent has taken them back: the forkserver ended before it could tell of this child.
        if (settings === undefined || orders === NOTHING) return addon.leave(0);
        apply(settings);
        inheritConnection(control, settings.execArgv, preload);
        return orders;
      });
    };
  }
}

/** What children find done, compiled and set up. */
async function prepare(rehearse: (rounds: number) => Promise<void>): Promise<void> {
  await rehearse(REHEARSALS);
  rehearseSettings();
  for (let round = 0; round < REHEARSALS; round++) exhaustCaches();
  // Children begin with little that is new, and that they could have to copy or to collect. Not more than that: a full
  // collection makes V8 forget much of what it knows of the code that has run, and a warm-up would be for nothing.
  const collect = collector();
  for (let i = 0; i < 2; i++) collect({ type: 'minor' });
}

/** A child must not be forked in a callback of an I/O event: it would go on with the rest of its parent's events. */
async function notInPoll(): Promise<void> {
  await setImmediate();
}

/**
 * V8's tasks that were posted before the fork lie in a queue of which the child's event loop has not been told: without
 * this, finalizers might never run. Any new task makes it look.
 */
function takeUpTasks(): void {
  const word = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT));
  (Atomics as unknown as { waitAsync: typeof Atomics.wait }).waitAsync(word, 0, 0);
  Atomics.notify(word, 0);
}

function rehearseSettings(): void {
  const { argv, execArgv, env } = process;
  const settings = { cwd: '', umask: process.umask(0o22), env, argv: argv.slice(2), execArgv };
  apply(JSON.parse(JSON.stringify(settings)) as Settings);
}

function apply({ cwd, umask, env, argv, execArgv }: Settings): void {
  process.umask(umask);
  process.argv.splice(2, Infinity, ...argv);
  process.execArgv.splice(0, Infinity, ...execArgv);
  surround({ cwd, env });
}
