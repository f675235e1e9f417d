import type { SemaphoreOptions } from '../../synchronize';
import { ownIdentity, type Identity } from './processes';
import { RequestedUnits, type Outcome, type Request } from './requests';
import type { Draft } from './state';
import { OWNER_WORDS, deadRows, fieldsOf, isOf, ownerOf, type Source } from './synchronizer';

/** Max is 1 more than that, so that 0 says that nobody has made it yet. */
const Word = { Value: 0, Initial: 1, Max: 2, Ticket: 3, Orphaned: 4 } as const;
/** What a row is. HOLDER: word 4 is how many units its process has. */
const HOLDER = 1;
/** Word 4: its place in the order of asking. */
const WAITING = 2;
/** Word 4: whether the unit came from a process that had ended. */
const GRANTED = 3;
const FIELD = 1 + OWNER_WORDS;
const LAYOUT = { kind: 0x103, words: 5, rows: 1024, rowWords: FIELD + 1 };
const UNBOUNDED = -1;

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

/** A handle of units in shared memory. Invariant: nobody waits while a unit is free. See test/model/semaphore.pml. */
export class NativeSemaphore extends RequestedUnits {
  static readonly layout = LAYOUT;
  /** @param options what they are if they are new: of a name, whoever comes first makes them so */
  constructor(source?: Source, options?: SemaphoreOptions) {
    super('semaphore', LAYOUT, source);
    if (options === undefined) return;
    this.transact((state) => {
      if (state.get(Word.Max) !== 0) return;
      state.set(Word.Value, options.initial);
      state.set(Word.Initial, options.initial);
      state.set(Word.Max, options.max === Infinity ? UNBOUNDED : options.max + 1);
    });
  }

  override bounds(): SemaphoreOptions {
    return this.transact((state) => ({ initial: state.get(Word.Initial), max: mostOf(state) }));
  }

  release(units: number): boolean {
    const outcome = this.transact((state) => {
      const value = state.get(Word.Value) + units;
      if (value > mostOf(state)) return 'too many';
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

  protected override request(): Request {
    let row: number | undefined;
    const begin = (state: Draft): Outcome | undefined => {
      if (isFree(state)) return { acquired: true, died: take(state, ownIdentity()) };
      const ticket = (state.get(Word.Ticket) + 1) | 0;
      state.set(Word.Ticket, ticket);
      row = state.addRow(WAITING, ...fieldsOf(ownIdentity()), ticket);
      return undefined;
    };
    const granted = (state: Draft, at: number): Outcome | undefined => {
      if (state.field(at, 0) !== GRANTED) return undefined;
      const died = state.field(at, FIELD) === 1;
      state.setField(at, 0, 0);
      row = undefined;
      return { acquired: true, died };
    };
    return {
      look: (state) => {
        const here = row === undefined ? begin(state) : granted(state, row);
        if (here !== undefined || !this.isTimeToBury()) return here;
        const wake = bury(state);
        return (row === undefined ? undefined : granted(state, row)) ?? { wake };
      },
      giveUp: (state) => {
        if (row === undefined) {
          if (state.get(Word.Value) === 0) bury(state);
          return isFree(state) ? { acquired: true, died: take(state, ownIdentity()) } : undefined;
        }
        const at = row;
        const late = granted(state, at);
        if (late === undefined) state.setField(at, 0, 0);
        return late;
      },
    };
  }
}

/** Without anybody who came before. */
function isFree(state: Draft): boolean {
  return state.get(Word.Value) > 0 && first(state) === undefined;
}

function mostOf(state: Draft): number {
  const max = state.get(Word.Max);
  return max === UNBOUNDED ? Infinity : (max - 1) | 0;
}
