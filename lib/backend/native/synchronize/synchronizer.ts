import { writeSync } from 'node:fs';
import type { Deadline } from '../../../deadlines';
import { ClosedError, CorruptError } from '../../../errors';
import { ownResources } from '../../../finalizer';
import type { Share, Wait } from '../../backend';
import { Pending, type Operation } from '../../pending';
import { addon } from '../addon';
import { eventBell, fileBell, type Bell } from '../bells';
import { NativeMemory, createMemory } from '../memory';
import { keep, letGo } from '../names';
import { reactor } from '../reactor';
import { spin } from '../spinning';
import { isAlive, type Identity } from './processes';
import { SharedState, type Draft, type Layout } from './state';

/**
 * How often (ms) those who wait look by themselves: whether a process has ended that holds what they wait for, and
 * whether one was killed between a change and its wake-up.
 */
const LOOK = 50;

const ONE = new Uint8Array(new BigUint64Array([1n]).buffer);

/** What a row says of the process that it belongs to, from its second word on. */
export const OWNER_WORDS = 3;

export function ownerOf(state: Draft, row: number): Identity {
  return {
    pid: state.field(row, 1),
    startedLow: state.field(row, 2),
    startedHigh: state.field(row, 3),
  };
}

export function fieldsOf({ pid, startedLow, startedHigh }: Identity): [number, number, number] {
  return [pid, startedLow, startedHigh];
}

export function isOf(state: Draft, row: number, { pid, startedLow, startedHigh }: Identity): boolean {
  const owner = ownerOf(state, row);
  return owner.pid === pid && owner.startedLow === startedLow && owner.startedHigh === startedHigh;
}

/** What a waiting call finds when it looks: undefined to go on waiting. */
type Look<R> = () => R | undefined;

/** What a handle of something that is there is made of. */
export interface Source {
  /** [memory, event]; of what has a name [memory]. */
  readonly descriptors: readonly number[];
  /** Where it has its name. */
  readonly file?: string | undefined;
}

/** @throws CorruptError if that is something else; the descriptor is closed then */
function memoryOf(descriptor: number, file: string | undefined, layout: Layout): NativeMemory {
  const memory = new NativeMemory(descriptor, file, file !== undefined);
  if (memory.kind === layout.kind && memory.buffer.byteLength >= SharedState.bytes(layout)) return memory;
  memory.close();
  throw new CorruptError('expected a lock of this version of the library, found something else');
}

/**
 * A handle of shared state that processes wait for. Whoever changes it wakes all by an eventfd, which is written and
 * never read: each process gets the edge for itself. Unrelated programs, which have no eventfd in common, hear of writes
 * to the file. A process that is killed between a change and its wake-up, or with what others wait for, is noticed by
 * these within 50 ms. Waiting costs no thread.
 */
export class Synchronizer {
  readonly #state: SharedState;
  readonly #kind: Share['kind'];
  readonly #descriptors: readonly number[];
  readonly #ring: () => void;
  readonly #wakeUps: WakeUps;
  readonly #close: () => void;
  #open = true;
  #isClosing = false;
  #buriedAt = -Infinity;

  /** @param source whose descriptors it takes over; a new nameless one without */
  constructor(kind: Share['kind'], layout: Layout, source?: Source) {
    const given = source?.descriptors[0];
    const file = source?.file;
    const memory =
      given === undefined
        ? createMemory(SharedState.bytes(layout), { what: 'a lock', kind: layout.kind })
        : memoryOf(given, file, layout);
    const [descriptor = -1] = memory.share().descriptors;
    const events = file === undefined ? [source?.descriptors[1] ?? addon.createEvent()] : [];
    const [event] = events;
    const wakeUps = new WakeUps(event === undefined ? fileBell(descriptor) : eventBell(event));
    this.#kind = kind;
    this.#state = new SharedState(memory, layout);
    this.#descriptors = [descriptor, ...events];
    this.#ring = () => {
      if (event === undefined) memory.ring();
      else writeSync(event, ONE);
    };
    this.#wakeUps = wakeUps;
    this.#close = ownResources(this, () => {
      wakeUps.close();
      memory.close();
      addon.closeDescriptors(events);
      if (file !== undefined) letGo(file, descriptor);
    });
    if (file !== undefined) keep(file, descriptor);
  }

  share(): Share {
    this.mustBeOpen();
    return { kind: this.#kind, key: 0, descriptors: this.#descriptors };
  }

  close(): void {
    this.#isClosing = true;
    this.#close();
    this.#open = false;
  }

  /** The memory, for what is changed by Atomics; see LONE_WORD. */
  protected get words(): Int32Array {
    return this.#state.words;
  }

  /** The words of the rows; see {@link SharedState.lone}. */
  protected get loneWords(): Int32Array {
    return this.#state.lone;
  }

  /** Goes on looking, while that may pay, as soon as anybody has changed anything. */
  protected spinFor<R>(look: Look<R>): R | undefined {
    let seen = this.#state.version;
    return spin(() => {
      const now = this.#state.version;
      if (now === seen) return undefined;
      seen = now;
      return look();
    });
  }

  /** Looks or changes, at once and alone. */
  protected transact<R>(change: (state: Draft) => R): R {
    this.mustBeOpen();
    return this.#state.transact(change);
  }

  /** undefined, too, if somebody else was at it. */
  protected tryTransact<R>(change: (state: Draft) => R): R | undefined {
    return this.#state.tryTransact(change);
  }

  protected get isOpen(): boolean {
    return this.#open;
  }

  /** Wakes all that wait, in all processes. */
  protected wake(): void {
    this.#ring();
  }

  /** Whether it is time to ask who has ended, which costs more than the rest. Then it is not for a while. */
  protected isTimeToBury(): boolean {
    if (!this.mayBury) return false;
    this.#buriedAt = performance.now();
    return true;
  }

  protected get mayBury(): boolean {
    return performance.now() - this.#buriedAt >= LOOK / 2;
  }

  /** Another one after each change, but for those of single words. */
  protected get version(): number {
    return this.#state.version;
  }

  /** What a row is, or undefined if that changes now. */
  protected peek(row: number): number | undefined {
    return this.#state.peek(row);
  }

  /**
   * Waits until `look` finds something.
   * @param giveUp called when the wait is over: what was found at the last moment, or else `nothing`
   * @param decline called if that is too late, because the handle is being closed
   */
  protected until<R>(
    wait: Wait,
    look: Look<R>,
    giveUp: () => R,
    nothing: R,
    decline: () => void = () => undefined,
  ): Promise<R> {
    return new Promise((resolve, reject) => {
      this.mustBeOpen();
      const found = wait.timeout <= 0 ? giveUp() : look();
      if (found !== undefined) {
        resolve(found);
        return;
      }
      const timedOut = new Error();
      const attempt = () => {
        try {
          const now = look();
          if (now === undefined) return false;
          resolve(now);
        } catch (error) {
          reject(error);
        }
        return true;
      };
      const give = (error: unknown) => {
        const last = giveUp();
        const isClosing = this.#isClosing;
        if (isClosing && last !== nothing) decline();
        if (isClosing) reject(error);
        else if (last !== nothing || error === timedOut) resolve(last);
        else reject(error);
      };
      this.#wakeUps.add({ attempt, reject: give }, { ...wait, timedOut: () => timedOut });
    });
  }

  /** Like {@link until}, and blocks the thread meanwhile. */
  protected untilSync<R>(timeout: number, look: Look<R>, giveUp: () => R): R {
    this.mustBeOpen();
    if (timeout <= 0) return giveUp();
    const found: R[] = [];
    const attempt = () => {
      const now = look();
      if (now !== undefined) found.push(now);
      return now !== undefined;
    };
    if (!attempt()) {
      const callOff = this.#wakeUps.add(
        { attempt, reject: () => undefined },
        { timeout: Infinity, signal: undefined, timedOut: () => new Error(), owner: this },
      );
      reactor.runUntil(() => found.length > 0, timeout);
      callOff();
    }
    const [first] = found;
    return first === undefined ? giveUp() : first;
  }

  protected mustBeOpen(): void {
    if (!this.#open)
      throw new ClosedError('expected an open lock, but this handle was closed in this process');
  }
}

/** The rows of processes that have ended. Asks the system about each process once. */
export function deadRows(state: Draft): number[] {
  const known = new Map<string, boolean>();
  const dead: number[] = [];
  for (const row of state.rows()) {
    const owner = ownerOf(state, row);
    const key = `${owner.pid}:${owner.startedHigh}:${owner.startedLow}`;
    let alive = known.get(key);
    if (alive === undefined) known.set(key, (alive = isAlive(owner)));
    if (!alive) dead.push(row);
  }
  return dead;
}

/** The calls of one handle that wait, and what makes them look again. */
class WakeUps {
  readonly #bell: Bell;
  readonly #pending = new Pending(
    (delta) => {
      reactor.hold(delta);
    },
    () => undefined,
  );
  #unwatch: (() => void) | undefined;
  #later: Deadline | undefined;

  constructor(bell: Bell) {
    this.#bell = bell;
  }

  /** Returns what calls it off. */
  add(operation: Operation, wait: Wait): () => void {
    const callOff = this.#pending.add(operation, wait, this);
    this.#unwatch ??= this.#bell.watch(() => {
      this.#pending.pumpAll();
    });
    this.#lookLater();
    // What was changed before the bell was heard.
    this.#pending.pumpAll();
    return callOff;
  }

  close(): void {
    this.#pending.rejectAll(() => new ClosedError('the object was closed while this call waited'));
    reactor.deadlines.clear(this.#later);
    this.#unwatch?.();
  }

  #lookLater(): void {
    this.#later ??= reactor.deadlines.set(LOOK, () => {
      this.#later = undefined;
      this.#pending.pumpAll();
      if (this.#pending.size > 0) this.#lookLater();
    });
  }
}
