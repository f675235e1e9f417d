import type { Share } from '../../backend';
import { OUTCOMES, type Arrival, type Breach, type Gate } from '../../synchronize';
import { ownIdentity } from './processes';
import type { Draft } from './state';
import { OWNER_WORDS, Synchronizer, deadRows, fieldsOf } from './synchronizer';

const Word = { Parties: 0, Count: 1, Generation: 2, Breach: 3 } as const;
/** A row's first word: 1, or 1 more than what became of it as an index of OUTCOMES. */
const UNDECIDED = 1;
const OPEN = OUTCOMES.indexOf('open');
const RESET = OUTCOMES.indexOf('reset');
const DIED = OUTCOMES.indexOf('died');
const GENERATION = 1 + OWNER_WORDS;
const LAYOUT = { words: 4, rows: 1024, rowWords: GENERATION + 1 };

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

/** A process that ends while it waits breaks the gate. Whether there was one. */
function bury(state: Draft): boolean {
  let left = false;
  for (const row of deadRows(state)) {
    left ||= state.field(row, 0) === UNDECIDED;
    state.setField(row, 0, 0);
  }
  if (left) breakIt(state, DIED);
  return left;
}

/** A handle of a meeting point in shared memory. */
export class NativeGate extends Synchronizer implements Gate {
  constructor(share: Share | undefined, parties?: number) {
    super('gate', LAYOUT, share);
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
        this.transact((state) => {
          decide(state, OPEN, (other) => state.field(other, GENERATION) === generation);
          state.setField(row, 0, 0);
        });
        this.wake();
      },
      wait: (wait) => this.until<Outcome>(wait, look, giveUp, 'late'),
      waitSync: (timeout) => this.untilSync<Outcome>(timeout, look, giveUp),
    };
  }

  break(why: Breach): void {
    this.transact((state) => {
      breakIt(state, OUTCOMES.indexOf(why));
    });
    this.wake();
  }

  reset(): void {
    this.transact((state) => {
      decide(state, RESET, () => true);
      state.set(Word.Breach, 0);
      state.set(Word.Count, 0);
      state.set(Word.Generation, (state.get(Word.Generation) + 1) | 0);
    });
    this.wake();
  }

  waiting(): number {
    return this.transact((state) => (state.get(Word.Breach) === 0 ? state.get(Word.Count) : 0));
  }

  breach(): Breach | undefined {
    const breach = this.transact((state) => state.get(Word.Breach));
    return breach === 0 ? undefined : (OUTCOMES[breach] as Breach);
  }

  #takePlace(state: Draft): { row: number; index: number; isLast: boolean; generation: number } {
    const index = state.get(Word.Count);
    const generation = state.get(Word.Generation);
    const row = state.addRow(UNDECIDED, ...fieldsOf(ownIdentity()), generation);
    const isLast = index === state.get(Word.Parties) - 1;
    state.set(Word.Count, isLast ? 0 : index + 1);
    if (isLast) state.set(Word.Generation, (generation + 1) | 0);
    return { row, index, isLast, generation };
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

  /** The wait is over; the arrival counts, but nobody asks for it any more. */
  #leave(state: Draft, row: number): 'late' {
    state.setField(row, 0, 0);
    return 'late';
  }
}
