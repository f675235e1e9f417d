import type { Wait } from '../../backend';
import type { SemaphoreOptions } from '../../synchronize';
import { spin } from '../spinning';
import { DIED, OwnerWord, QUEUED, ownerIn } from './owner-word';
import { ownIdentity } from './processes';
import { RequestedUnits, type Outcome, type Request } from './requests';
import type { Draft } from './state';
import { OWNER_WORDS, deadRows, fieldsOf, isOf, type Source } from './synchronizer';

const Word = { Ticket: 0 } as const;
/** What a row is. PROCESS: one that may have the lock; it stays until that process has ended. */
const PROCESS = 1;
/** Its field: its place in the order of asking. It has the lock if the owner is this row. */
const WAITING = 2;
/** It was given the lock, and somebody released that before it noticed. Its field: whether the owner before had ended. */
const SERVED = 3;
const FIELD = 1 + OWNER_WORDS;
const LAYOUT = { kind: 0x105, words: 1, rows: 1024, rowWords: FIELD + 1 };
/** With so many rows it is worth while to look for those of processes that have ended. */
const MANY_ROWS = 64;

interface Wanted extends Request {
  /** From the moment that it has to wait. */
  row: number | undefined;
}

function first(state: Draft, left?: ReadonlySet<number>): number | undefined {
  let best: number | undefined;
  for (const row of state.rows()) {
    if (state.field(row, 0) !== WAITING || left?.has(row) === true) continue;
    if (best === undefined || ((state.field(row, FIELD) - state.field(best, FIELD)) | 0) < 0) best = row;
  }
  return best;
}

/**
 * A handle of a single unit: a word says who has it, rows say who waits. Taking what is free, and releasing what nobody
 * waits for, is one change of that word. For all else there is the lock of the memory:
 * - The owner that the word names is a row that was written before, and that is not given up while the word names it. So
 *   whoever is killed between two changes leaves an owner whose end can be seen.
 * - Whoever waits sets the flag of the word first; from then on the lock is handed on to whoever has waited longest.
 * test/model/lock.pml watches over these orders.
 */
export class NativeMutex extends RequestedUnits {
  static readonly layout = LAYOUT;
  readonly #word: OwnerWord;
  /** The row of this process, plus 1; 0: none yet. */
  #own = 0;
  /** Whose that is: a forked child is another one. */
  #pid = 0;

  constructor(source?: Source) {
    super('mutex', LAYOUT, source);
    this.#word = new OwnerWord(this.words);
  }

  override bounds(): SemaphoreOptions {
    return { initial: 1, max: 1 };
  }

  override acquire(wait: Wait, onSettled?: (acquired: boolean) => void): Promise<boolean> {
    if (!this.#takeAtOnce()) return super.acquire(wait, onSettled);
    onSettled?.(true);
    return Promise.resolve(true);
  }

  override acquireSync(timeout: number): boolean {
    if (this.#takeAtOnce()) return true;
    const request = this.request();
    return this.acquireBlocked(timeout, request, () => this.#spinFor(request));
  }

  release(units: number): boolean {
    if (units === 1 && this.#isKnown() && this.#word.swap(this.#own, 0)) return true;
    this.mustBeOpen();
    return units === 1 && this.#release();
  }

  value(): number {
    this.mustBeOpen();
    const owner = ownerIn(this.#word.load());
    if (owner === 0) return 1;
    if (this.#isKnown() && owner === this.#own) return 0;
    if (this.transact((state) => this.#bury(state))) this.wake();
    return ownerIn(this.#word.load()) === 0 ? 1 : 0;
  }

  override close(): void {
    super.close();
    this.#own = 0;
  }

  protected override request(): Wanted {
    this.#register();
    const request: Wanted = {
      row: undefined,
      look: (state) => {
        const { row } = request;
        const here = row === undefined ? this.#begin(state, request) : this.#granted(state, request, row);
        const waits = here === undefined || here.full === true;
        if (!waits || !this.isTimeToBury()) return here;
        const wake = this.#bury(state);
        return row === undefined ? { ...here, wake } : (this.#granted(state, request, row) ?? { wake });
      },
      giveUp: (state) => {
        const { row } = request;
        if (row === undefined) {
          const wake = ownerIn(this.#word.load()) !== 0 && this.#bury(state);
          return this.#takeFree(state, wake);
        }
        const late = this.#granted(state, request, row);
        if (late === undefined) state.setField(row, 0, 0);
        return late;
      },
    };
    return request;
  }

  #isKnown(): boolean {
    return this.#own !== 0 && this.#pid === process.pid;
  }

  #takeAtOnce(): boolean {
    if (!this.#isKnown() || !this.#word.swap(0, this.#own)) return false;
    this.ownerDied = false;
    return true;
  }

  /** Before it sleeps. Whoever has not asked yet stands back as soon as somebody waits. */
  #spinFor(request: Wanted): true | undefined {
    const word = this.#word;
    if (ownerIn(word.load()) === this.#own) return this.look(request);
    const seen = spin(() => {
      const now = word.load();
      if (now === 0 && this.#takeAtOnce()) return 'taken';
      return (now & QUEUED) !== 0 ? 'queued' : undefined;
    });
    if (seen === 'taken') return true;
    const here = this.look(request);
    const { row } = request;
    if (here === true || row === undefined) return here;
    spin(() => ownerIn(word.load()) === row + 1 || undefined);
    return this.look(request);
  }

  /** Gives this process a row, for all its handles and threads. */
  #register(): void {
    if (this.#isKnown()) return;
    const own = ownIdentity();
    const [row, wake] = this.transact((state) => {
      const rows = [...state.rows()];
      const known = rows.find((at) => state.field(at, 0) === PROCESS && isOf(state, at, own));
      if (known !== undefined) return [known, false];
      const buried = rows.length >= MANY_ROWS && this.#bury(state);
      return [state.addRow(PROCESS, ...fieldsOf(own), 0), buried];
    });
    this.#own = row + 1;
    this.#pid = own.pid;
    if (wake) this.wake();
  }

  #begin(state: Draft, request: Wanted): Outcome {
    for (;;) {
      const outcome = this.#takeFree(state, false);
      if (outcome.acquired === true) return outcome;
      // It looks again when there may be a row. All those who have one came first.
      if (state.isFull) return { ...outcome, full: true };
      const word = this.#word.load();
      if (ownerIn(word) === 0 || !this.#word.swap(word, word | QUEUED)) continue;
      const ticket = (state.get(Word.Ticket) + 1) | 0;
      state.set(Word.Ticket, ticket);
      request.row = state.addRow(WAITING, ...fieldsOf(ownIdentity()), ticket);
      return outcome;
    }
  }

  /** Takes it if nobody has it and nobody waits. */
  #takeFree(state: Draft, woken: boolean): Outcome {
    for (let wake = woken; ;) {
      const word = this.#word.load();
      if (ownerIn(word) !== 0) return { wake };
      // Nobody has it, but somebody waits: that one, or who was to hand it on, was killed.
      if (first(state) !== undefined) wake = this.#bury(state) || wake;
      else if (this.#word.swap(word, this.#own)) return { acquired: true, died: (word & DIED) !== 0, wake };
    }
  }

  /** Whether a request that waits has been given the lock. */
  #granted(state: Draft, request: Wanted, row: number): Outcome | undefined {
    let died = state.field(row, FIELD) === 1;
    let wake = false;
    if (state.field(row, 0) === SERVED) {
      wake = this.#handOn(state);
    } else {
      const word = this.#word.load();
      if (ownerIn(word) !== row + 1) return undefined;
      const others = first(state, new Set([row])) !== undefined;
      this.#word.swap(word, this.#own | (others ? QUEUED : 0));
      died = (word & DIED) !== 0;
    }
    state.setField(row, 0, 0);
    request.row = undefined;
    return { acquired: true, died, wake };
  }

  /** Whoever has it: anybody may release. */
  #release(): boolean {
    const outcome = this.transact((state) => {
      for (;;) {
        this.#handOn(state);
        const word = this.#word.load();
        const owner = ownerIn(word);
        if (owner === 0) return 'nobody';
        if (state.field(owner - 1, 0) === WAITING) {
          state.setField(owner - 1, 0, SERVED);
          state.setField(owner - 1, FIELD, (word & DIED) !== 0 ? 1 : 0);
          return 'served';
        }
        const next = first(state);
        if (this.#word.swap(word, next === undefined ? 0 : (next + 1) | QUEUED))
          return next === undefined ? 'done' : 'wake';
      }
    });
    // Apart: what the row says must be there first. Should this process be killed in between, whoever looks does it.
    if (outcome === 'served') this.transact((state) => this.#handOn(state));
    if (outcome === 'served' || outcome === 'wake') this.wake();
    return outcome !== 'nobody';
  }

  /** Processes that have ended neither have it nor wait. Whether others are to look. */
  #bury(state: Draft): boolean {
    const dead = new Set(deadRows(state));
    const wake = this.#handOn(state, dead);
    for (const row of dead) state.setField(row, 0, 0);
    return wake;
  }

  /** Gives what nobody has any more to whoever waits first, if anybody does. */
  #handOn(state: Draft, dead?: ReadonlySet<number>): boolean {
    for (;;) {
      const word = this.#word.load();
      const owner = ownerIn(word);
      const isServed = owner !== 0 && state.field(owner - 1, 0) === SERVED;
      const hasEnded = owner !== 0 && !isServed && dead?.has(owner - 1) === true;
      if (owner !== 0 && !isServed && !hasEnded) return false;
      const next = first(state, dead);
      if (owner === 0 && next === undefined) return false;
      const died = hasEnded || (owner === 0 && (word & DIED) !== 0) ? DIED : 0;
      if (this.#word.swap(word, next === undefined ? died : (next + 1) | QUEUED | died))
        return next !== undefined;
    }
  }
}
