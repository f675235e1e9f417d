/**
 * Memory that a process's main thread shares with its near end: the thread that stands between it and the hub (in the
 * program itself the hub's own thread). Words of 32 bits.
 */
export const Control = {
  /** Counts what has been posted to the main thread; it waits for a change. */
  Arrivals: 0,
  /** 1: this process ends when the hub does. */
  DieWithHub: 1,
  /** 1: the hub is gone. */
  HubGone: 2,
  /** From here on: claim words. */
  FirstSlot: 8,
} as const;

/** As many endpoints may be receiving in one process. */
export const MOST_SLOTS = 32_768;

export function createControl(): Int32Array {
  return new Int32Array(
    new SharedArrayBuffer((Control.FirstSlot + MOST_SLOTS) * Int32Array.BYTES_PER_ELEMENT),
  );
}

/**
 * A claim word holds the index of the message that may be claimed next. Messages that were lent to a process are its
 * own only when it has claimed them: the process moves the word from the message's index to the next one, in a single
 * step. A recall sets it behind all that was lent, so that what was not claimed before cannot be claimed any more.
 */
export function claim(control: Int32Array, slot: number, index: number): boolean {
  return Atomics.compareExchange(control, slot, index | 0, (index + 1) | 0) === (index | 0);
}

/** How many messages had been claimed. */
export function recall(control: Int32Array, slot: number, lent: number): number {
  return Atomics.exchange(control, slot, lent | 0) >>> 0;
}

/** Tells the main thread that something was posted. */
export function announce(control: Int32Array): void {
  Atomics.add(control, Control.Arrivals, 1);
  Atomics.notify(control, Control.Arrivals);
}
