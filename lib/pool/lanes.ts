import { Fifo } from '../fifo';
import type { Slot } from './slot';
import type { Task } from './task';

export type Key = string | number;

/** Keys whose slot is remembered; the one that was used first is forgotten first. */
const MOST_KEYS = 65_536;

/** Tasks that must go to one slot, and no other: each slot has its own line of them. */
export class Lanes {
  readonly #slots = new Map<Key, Slot>();
  readonly #lanes = new Map<Slot, Fifo<Task>>();

  slotOf(key: Key): Slot | undefined {
    return this.#slots.get(key);
  }

  assign(key: Key, slot: Slot): void {
    this.#slots.set(key, slot);
    if (this.#slots.size <= MOST_KEYS) return;
    for (const oldest of this.#slots.keys()) {
      this.#slots.delete(oldest);
      break;
    }
  }

  /** How many wait for the slot. */
  length(slot: Slot): number {
    return this.#lanes.get(slot)?.length ?? 0;
  }

  of(slot: Slot): Fifo<Task> {
    let lane = this.#lanes.get(slot);
    if (lane === undefined) this.#lanes.set(slot, (lane = new Fifo()));
    return lane;
  }

  /** The slot is gone: its keys are free, and its tasks must find another way. */
  forget(slot: Slot): Task[] {
    for (const [key, of] of this.#slots) if (of === slot) this.#slots.delete(key);
    const lane = this.#lanes.get(slot);
    this.#lanes.delete(slot);
    return lane === undefined ? [] : [...lane];
  }

  takeAll(): Task[] {
    return [...this.#lanes.values()].flatMap((lane) => lane.remove(() => true));
  }
}
