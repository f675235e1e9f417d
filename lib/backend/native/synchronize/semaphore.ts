import type { Share, Wait } from '../../backend';
import type { Semaphore, SemaphoreOptions } from '../../synchronize';
import { ownIdentity, type Identity } from './processes';
import type { Draft } from './state';
import { OWNER_WORDS, Synchronizer, deadRows, fieldsOf, ownerOf } from './synchronizer';

const Word = { Value: 0, Initial: 1, Max: 2, Ticket: 3, Orphaned: 4 } as const;
/** What a row is. HOLDER: word 4 is how many units its process has. */
const HOLDER = 1;
/** Word 4: its place in the order of asking. */
const WAITING = 2;
/** Word 4: whether the unit came from a process that had ended. */
const GRANTED = 3;
const FIELD = 1 + OWNER_WORDS;
const LAYOUT = { words: 5, rows: 1024, rowWords: FIELD + 1 };
const UNBOUNDED = -1;

function isOf(state: Draft, row: number, { pid, startedLow, startedHigh }: Identity): boolean {
  const owner = ownerOf(state, row);
  return owner.pid === pid && owner.startedLow === startedLow && owner.startedHigh === startedHigh;
}

/** A process has acquired one more. */
function charge(state: Draft, owner: Identity): void {
  for (const row of state.rows()) {
    if (state.field(row, 0) !== HOLDER || !isOf(state, row, owner)) continue;
    state.setField(row, FIELD, state.field(row, FIELD) + 1);
    return;
  }
  state.addRow(HOLDER, ...fieldsOf(owner), 1);
}

/** Units are released: the process's own first, then those of others, which it releases for them. */
function discharge(state: Draft, owner: Identity, units: number): void {
  const holders = [...state.rows()].filter((row) => state.field(row, 0) === HOLDER);
  holders.sort((a, b) => Number(isOf(state, b, owner)) - Number(isOf(state, a, owner)));
  let left = units;
  for (const row of holders) {
    const had = state.field(row, FIELD);
    const given = Math.min(had, left);
    left -= given;
    if (given === had) state.setField(row, 0, 0);
    else state.setField(row, FIELD, had - given);
    if (left === 0) return;
  }
}

/** Takes a unit; whether it came from a process that had ended. */
function take(state: Draft, owner: Identity): boolean {
  state.set(Word.Value, state.get(Word.Value) - 1);
  charge(state, owner);
  const orphaned = state.get(Word.Orphaned);
  if (orphaned > 0) state.set(Word.Orphaned, orphaned - 1);
  return orphaned > 0;
}

function first(state: Draft): number | undefined {
  let best: number | undefined;
  for (const row of state.rows()) {
    if (state.field(row, 0) !== WAITING) continue;
    if (best === undefined || ((state.field(row, FIELD) - state.field(best, FIELD)) | 0) < 0) best = row;
  }
  return best;
}

/** Gives free units to those who came first; whether there was one. */
function serve(state: Draft): boolean {
  let any = false;
  while (state.get(Word.Value) > 0) {
    const row = first(state);
    if (row === undefined) break;
    const orphaned = take(state, ownerOf(state, row));
    state.setField(row, 0, GRANTED);
    state.setField(row, FIELD, orphaned ? 1 : 0);
    any = true;
  }
  return any;
}

/** What processes that have ended had acquired is free again, but never more than there was; they wait no more. */
function bury(state: Draft): boolean {
  for (const row of deadRows(state)) {
    if (state.field(row, 0) === HOLDER) {
      const room = state.get(Word.Initial) - state.get(Word.Value);
      const back = Math.max(0, Math.min(state.field(row, FIELD), room));
      if (back > 0) {
        state.set(Word.Value, state.get(Word.Value) + back);
        state.set(Word.Orphaned, state.get(Word.Orphaned) + back);
      }
    }
    state.setField(row, 0, 0);
  }
  return serve(state);
}

/** A handle of units in shared memory. Invariant: nobody waits while a unit is free. */
export class NativeSemaphore extends Synchronizer implements Semaphore {
  ownerDied = false;

  constructor(share: Share | undefined, options?: SemaphoreOptions) {
    super('semaphore', LAYOUT, share);
    if (options === undefined) return;
    this.transact((state) => {
      state.set(Word.Value, options.initial);
      state.set(Word.Initial, options.initial);
      state.set(Word.Max, options.max === Infinity ? UNBOUNDED : options.max);
    });
  }

  acquire(wait: Wait, onSettled?: (acquired: boolean) => void): Promise<boolean> {
    const request = new Request(this);
    return this.until(
      wait,
      () => {
        const acquired = request.look();
        if (acquired === true) onSettled?.(true);
        return acquired;
      },
      () => {
        const acquired = request.giveUp();
        onSettled?.(acquired);
        return acquired;
      },
      false,
      () => this.release(1),
    );
  }

  acquireSync(timeout: number): boolean {
    const request = new Request(this);
    return this.untilSync(
      timeout,
      () => request.look(),
      () => request.giveUp(),
    );
  }

  release(units: number): boolean {
    const outcome = this.transact((state) => {
      const value = state.get(Word.Value) + units;
      const max = state.get(Word.Max);
      if (max !== UNBOUNDED && value > max) return 'too many';
      state.set(Word.Value, value);
      discharge(state, ownIdentity(), units);
      return serve(state) ? 'wake' : 'done';
    });
    if (outcome === 'wake') this.wake();
    return outcome !== 'too many';
  }

  value(): number {
    return this.transact((state) => {
      if (state.get(Word.Value) < state.get(Word.Initial)) bury(state);
      return state.get(Word.Value);
    });
  }

  /** @internal */
  mayBury(): boolean {
    return this.isTimeToBury();
  }

  /** @internal A change by a request of this handle. */
  change(
    act: (state: Draft) => { acquired?: boolean; died?: boolean; wake?: boolean } | undefined,
    now: boolean,
  ) {
    const outcome = now ? this.transact(act) : this.tryTransact(act);
    if (outcome?.wake === true) this.wake();
    if (outcome?.acquired === true) this.ownerDied = outcome.died === true;
    return outcome?.acquired;
  }
}

/** One call of acquire: a row of its own from the moment that it has to wait. */
class Request {
  readonly #semaphore: NativeSemaphore;
  #row: number | undefined;

  constructor(semaphore: NativeSemaphore) {
    this.#semaphore = semaphore;
  }

  /** true if it has a unit now. */
  look(): true | undefined {
    const acquired = this.#semaphore.change((state) => {
      const here = this.#row === undefined ? this.#begin(state) : this.#granted(state, this.#row);
      if (here !== undefined) return here;
      if (!this.#semaphore.mayBury()) return undefined;
      const wake = bury(state);
      const row = this.#row;
      if (row === undefined) return undefined;
      return this.#granted(state, row) ?? { wake };
    }, false);
    return acquired === true ? true : undefined;
  }

  giveUp(): boolean {
    const acquired = this.#semaphore.change((state) => {
      if (this.#row === undefined) {
        if (state.get(Word.Value) === 0) bury(state);
        if (state.get(Word.Value) > 0 && first(state) === undefined) {
          return { acquired: true, died: take(state, ownIdentity()) };
        }
        return undefined;
      }
      const late = this.#granted(state, this.#row);
      if (late === undefined) state.setField(this.#row, 0, 0);
      this.#row = undefined;
      return late;
    }, true);
    return acquired === true;
  }

  #begin(state: Draft) {
    if (state.get(Word.Value) > 0 && first(state) === undefined) {
      return { acquired: true, died: take(state, ownIdentity()) };
    }
    const ticket = (state.get(Word.Ticket) + 1) | 0;
    state.set(Word.Ticket, ticket);
    this.#row = state.addRow(WAITING, ...fieldsOf(ownIdentity()), ticket);
    return undefined;
  }

  #granted(state: Draft, row: number) {
    if (state.field(row, 0) !== GRANTED) return undefined;
    const died = state.field(row, FIELD) === 1;
    state.setField(row, 0, 0);
    this.#row = undefined;
    return { acquired: true, died };
  }
}
