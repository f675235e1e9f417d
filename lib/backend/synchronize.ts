import type { Share, Wait } from './backend';

/**
 * What locks need from the machine. In all of these a process that ends, however, gives up what it held and where it
 * waited, so that nobody waits for it; and what returns a boolean for a wait has changed nothing if it returns false.
 */
interface Synchronizer {
  share(): Share;
  /** Idempotent. Calls of this handle that still wait reject with ClosedError. */
  close(): void;
}

/** More free units of anything than that there never are. */
export const MOST_UNITS = 2 ** 31 - 1;

export interface SemaphoreOptions {
  readonly initial: number;
  /** More free units than that there never are; Infinity: only {@link MOST_UNITS}. */
  readonly max: number;
}

/** For unrelated programs of this user; a lock and a semaphore may have the same name. */
export interface UnitsName {
  readonly what: 'lock' | 'semaphore';
  readonly name: string;
}

export interface NamedSemaphore {
  readonly semaphore: Semaphore;
  /** Those of who made it. */
  readonly bounds: SemaphoreOptions;
}

/**
 * Units that processes acquire and release, and that anybody may release. A process that ends gives back what it had
 * acquired and nobody has released, but there are never more than `initial` units because of that. A unit that another
 * process released for it is not given back once more, and that one may acquire, and end, like any other.
 */
export interface Semaphore extends Synchronizer {
  /**
   * First come, first served. false when the time is over; with a timeout of 0 a definite look. `onSettled` hears at
   * once whether it was acquired, also inside a Sync call, and before whatever else wants to know.
   */
  acquire(wait: Wait, onSettled?: (acquired: boolean) => void): Promise<boolean>;
  /** Blocks the thread for at most `timeout` ms. */
  acquireSync(timeout: number): boolean;
  /** false, and nothing has happened: there would be more than `max`. */
  release(units: number): boolean;
  value(): number;
  /** Whether the unit that this handle acquired last came back from a process that had ended with it. */
  readonly ownerDied: boolean;
}

/** A flag that many wait for. */
export interface Flag extends Synchronizer {
  set(): void;
  clear(): void;
  isSet(): boolean;
  /** false when the time is over. */
  wait(wait: Wait): Promise<boolean>;
  waitSync(timeout: number): boolean;
}

/**
 * Places in a line of those who want to be notified. Whoever holds the condition's lock takes one, then gives up the
 * lock, then waits: what is notified in between is not lost.
 */
export interface WaitLine extends Synchronizer {
  enter(): Place;
  /** Notifies the `count` that came first; fewer, if fewer wait. What a process that ends had not left with goes on. */
  notify(count: number): void;
}

export interface Place {
  /** Whether it was notified; false when the time is over: the place is given up, and has not used up a notification. */
  wait(wait: Wait): Promise<boolean>;
  waitSync(timeout: number): boolean;
  /** After the wait, with the lock: until then a notification goes on to another if this process ends. */
  leave(): void;
}

/** Why a barrier is broken. */
export type Breach = 'aborted' | 'reset' | 'timeout' | 'died' | 'action';

/** What becomes of an arrival at a gate; backends write down the index. */
export const OUTCOMES = ['late', 'open', 'aborted', 'reset', 'timeout', 'died', 'action'] as const;

/** A meeting point of a fixed number of parties, again and again. A process that ends while it waits here breaks it. */
export interface Gate extends Synchronizer {
  /** Takes a place among those who meet next, or tells why the barrier is broken. */
  arrive(): Arrival | Breach;
  /**
   * Nobody gets through until {@link reset}. Those who wait are told why. 'timeout' is for who was late, and does nothing
   * if what that was late for has been reset since.
   */
  break(why: Breach): void;
  /** As new; those who wait are told 'reset'. */
  reset(): void;
  /** How many wait. */
  waiting(): number;
  breach(): Breach | undefined;
}

export interface Arrival {
  /** 0 … parties - 1, for each one another. */
  readonly index: number;
  /** The last one does not wait, but lets all through. */
  readonly isLast: boolean;
  /** Of the last one, in any case: 'open', or what became of all of them meanwhile. */
  open(): 'open' | Breach;
  /**
   * 'open', why it was broken, or 'late' when the time is over: the place is given up then, and whoever is late, by time
   * or by signal, breaks the gate next; if it ends before, that does.
   */
  wait(wait: Wait): Promise<'open' | 'late' | Breach>;
  waitSync(timeout: number): 'open' | 'late' | Breach;
}

/** The part of a backend that locks use. */
export interface SynchronizeBackend {
  createSemaphore(options: SemaphoreOptions): Semaphore;
  /**
   * Those of this name of all programs of this user; new ones if nobody uses it.
   * @throws ExistsError if it is in use and was to be `exclusive`
   * @throws UnsupportedError, CorruptError, MemoryError
   */
  nameSemaphore(naming: UnitsName, exclusive: boolean, options: SemaphoreOptions): NamedSemaphore;
  openSemaphore(share: Share, naming?: UnitsName): Semaphore;
  createFlag(): Flag;
  openFlag(share: Share): Flag;
  createWaitLine(): WaitLine;
  openWaitLine(share: Share): WaitLine;
  createGate(parties: number): Gate;
  openGate(share: Share): Gate;
}
