import { OUTCOMES, type Arrival, type Breach, type Gate } from '../../synchronize';
import { ownIdentity } from './processes';
import type { Draft } from './state';
import { OWNER_WORDS, Synchronizer, deadRows, fieldsOf, type Source } from './synchronizer';

const Word = { Parties: 0, Generation: 1, Breach: 2 } as const;
/** A row's first word: 1, or 1 more than what became of it as an index of OUTCOMES. */
const UNDECIDED = 1;
/** Whoever was late, and has not broken the gate because of that yet: should it end first, its end does. */
const LATE = -1;
const OPEN = OUTCOMES.indexOf('open');
const RESET = OUTCOMES.indexOf('reset');
const DIED = OUTCOMES.indexOf('died');
const GENERATION = 1 + OWNER_WORDS;
const INDEX = GENERATION + 1;
const LAYOUT = { kind: 0x102, words: 3, rows: 1024, rowWords: INDEX + 1 };

type Outcome = (typeof OUTCOMES)[number];

function decide(state: Draft, outcome: number, isMeant: (row: number) => boolean): void {
  for (const row of state.rows()) {
    if (state.field(row, 0) === UNDECIDED && isMeant(row)) state.setField(row, 0, UNDECIDED + outcome);
  }
}

function breakIt(state: Draft, why: number): void {
  if (state.get(Word.Breach) === 0) state.set(Word.Breach, why);
  decide(state, why, () => true);
}

/** The arrivals of one generation that nothing has been decided for. */
function members(state: Draft, generation: number): number[] {
  return [...state.rows()].filter(
    (row) => state.field(row, 0) === UNDECIDED && state.field(row, GENERATION) === generation,
  );
}

/** Whether this process was late; it is no more. */
function wasLate(state: Draft): boolean {
  const own = ownIdentity();
  const rows = [...state.rows()].filter(
    (row) => state.field(row, 0) === LATE && state.field(row, 1) === own.pid,
  );
  for (const row of rows) state.setField(row, 0, 0);
  return rows.length > 0;
}

/** A process that ends while it waits breaks the gate. Whether there was one. */
function bury(state: Draft): boolean {
  let left = false;
  for (const row of deadRows(state)) {
    left ||= state.field(row, 0) === UNDECIDED || state.field(row, 0) === LATE;
    state.setField(row, 0, 0);
  }
  if (left) breakIt(state, DIED);
  return left;
}

/** A handle of a meeting point in shared memory. See test/model/barrier.pml. */
export class NativeGate extends Synchronizer implements Gate {
  constructor(source?: Source, parties?: number) {
    super('gate', LAYOUT, source);
    if (parties === undefined) return;
    this.transact((state) => {
      state.set(Word.Parties, parties);
    });
  }

  arrive(): Arrival | Breach {
    const [place, buried] = this.transact((state) => {
      const broken = bury(state);
      const breach = state.get(Word.Breach);
      return [breach === 0 ? this.#takePlace(state) : (OUTCOMES[breach] as Breach), broken] as const;
    });
    if (buried) this.wake();
    if (typeof place === 'string') return place;
    const { row, index, isLast, generation } = place;
    const giveUp = () => this.transact((state) => this.#outcome(state, row) ?? this.#leave(state, row));
    const look = () => this.#look(row);
    return {
      index,
      isLast,
      open: () => {
        const outcome = this.transact((state) => this.#open(state, row, generation));
        this.wake();
        return outcome;
      },
      wait: (wait) => this.until<Outcome>(wait, look, giveUp, 'late'),
      waitSync: (timeout) => this.untilSync<Outcome>(timeout, look, giveUp),
    };
  }

  break(why: Breach): void {
    const isMeant = this.transact((state) => {
      // Who was late, but in what a reset has ended since, breaks nothing.
      const late = wasLate(state);
      if (why === 'timeout' && !late) return false;
      breakIt(state, OUTCOMES.indexOf(why));
      return true;
    });
    if (isMeant) this.wake();
  }

  reset(): void {
    this.transact((state) => {
      decide(state, RESET, () => true);
      for (const row of state.rows()) if (state.field(row, 0) === LATE) state.setField(row, 0, 0);
      state.set(Word.Breach, 0);
      state.set(Word.Generation, (state.get(Word.Generation) + 1) | 0);
    });
    this.wake();
  }

  waiting(): number {
    return this.transact(
      (state) => [...state.rows()].filter((row) => state.field(row, 0) === UNDECIDED).length,
    );
  }

  breach(): Breach | undefined {
    const breach = this.transact((state) => state.get(Word.Breach));
    return breach === 0 ? undefined : (OUTCOMES[breach] as Breach);
  }

  #takePlace(state: Draft): { row: number; index: number; isLast: boolean; generation: number } {
    const generation = state.get(Word.Generation);
    // The first index that is free: whoever was late has given up one.
    const taken = members(state, generation).map((row) => state.field(row, INDEX));
    let index = 0;
    while (taken.includes(index)) index++;
    const row = state.addRow(UNDECIDED, ...fieldsOf(ownIdentity()), generation, index);
    const isLast = taken.length === state.get(Word.Parties) - 1;
    if (isLast) state.set(Word.Generation, (generation + 1) | 0);
    return { row, index, isLast, generation };
  }

  /** Lets all through. But if one was late after all were there, nobody: that one breaks the gate, or ends. */
  #open(state: Draft, row: number, generation: number): 'open' | Breach {
    if (state.field(row, 0) === UNDECIDED) {
      if (members(state, generation).length === state.get(Word.Parties)) {
        decide(state, OPEN, (other) => state.field(other, GENERATION) === generation);
      } else {
        breakIt(state, OUTCOMES.indexOf('timeout'));
      }
    }
    return this.#outcome(state, row) as 'open' | Breach;
  }

  #look(row: number): Outcome | undefined {
    const seen = this.tryTransact((state) => {
      const broken = state.field(row, 0) === UNDECIDED && this.isTimeToBury() && bury(state);
      return { broken, outcome: this.#outcome(state, row) };
    });
    if (seen?.broken === true) this.wake();
    return seen?.outcome;
  }

  #outcome(state: Draft, row: number): Outcome | undefined {
    const decided = state.field(row, 0) - UNDECIDED;
    if (decided <= 0) return undefined;
    state.setField(row, 0, 0);
    return OUTCOMES[decided];
  }

  /** The place is given up. */
  #leave(state: Draft, row: number): 'late' {
    state.setField(row, 0, LATE);
    return 'late';
  }
}
