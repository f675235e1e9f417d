import type { Wait } from '../../backend';
import { MOST_UNITS, type SemaphoreOptions } from '../../synchronize';
import { spin } from '../spinning';
import { ownIdentity } from './processes';
import { RequestedUnits, type Outcome, type Request } from './requests';
import { LONE_WORD, type Draft } from './state';
import { OWNER_WORDS, deadRows, fieldsOf, isOf, type Source } from './synchronizer';
import { UnitWords } from './unit-words';

/** Total is how many units there are, held or not. Max is 1 more than that, so that 0 says that nobody has made it yet. */
const Word = { Total: 0, Initial: 1, Max: 2, Ticket: 3, Orphaned: 4 } as const;
/** What a row is. PROCESS: one that may have units; it stays until that process has ended. Its field: those not in its word. */
const PROCESS = 1;
/** Its field: its place in the order of asking. */
const WAITING = 2;
/** It has a unit. Its field: whether that came from a process that had ended. */
const GRANTED = 3;
/** Like GRANTED, but somebody has released that unit before it noticed. */
const SERVED = 4;
const FIELD = 1 + OWNER_WORDS;
const LAYOUT = { kind: 0x106, words: 5, rows: 1024, rowWords: FIELD + 1, lone: true };
const UNBOUNDED = -1;
/** With so many rows it is worth while to look for those of processes that have ended. */
const MANY_ROWS = 64;

/** What the lone word hints at to those who spin; it need not be true. Above: how many rows were ever in use. */
const Hint = { Queued: 1, Free: 2, Rows: 2 } as const;

interface Wanted extends Request {
  /** From the moment that it has to wait. */
  row: number | undefined;
  /** Takes one that is free, and does not wait. */
  readonly poll: (state: Draft) => Outcome | undefined;
}

function first(state: Draft): number | undefined {
  let best: number | undefined;
  for (const row of state.rows()) {
    if (state.field(row, 0) !== WAITING) continue;
    if (best === undefined || ((state.field(row, FIELD) - state.field(best, FIELD)) | 0) < 0) best = row;
  }
  return best;
}

function mostOf(state: Draft): number {
  const max = state.get(Word.Max);
  return max === UNBOUNDED ? Infinity : (max - 1) | 0;
}

/**
 * A handle of units in shared memory: what each process has is in a word of its own, and units that are in nobody's
 * word are free, or held as rows say. A process keeps what it has released as spare, and acquires that again by one change of
 * its word. For all else there is the lock of the memory:
 * - How many are free is not written down: it is the total less what all processes have. So no change can lose a unit, or make
 *   one; whoever is killed between two changes leaves units in nobody's word, which are free.
 * - Whoever needs to know stops all words first. They go on when nobody waits any more; until then no unit passes by those
 *   who wait.
 * - What rows say changes before words go on.
 * - Releasing needs no row: who may hold a unit has one since it asked for it.
 * Invariant: nobody waits while a unit is free. See test/model/semaphore.pml.
 */
export class NativeSemaphore extends RequestedUnits {
  static readonly layout = LAYOUT;
  readonly #words: UnitWords;
  readonly #hint: Int32Array;
  /** The row of this process, and the place of its word; -1: none yet. */
  #own = -1;
  #at = -1;
  /** Whose that is: a forked child is another one. */
  #pid = 0;

  /** @param options what they are if they are new: of a name, whoever comes first makes them so */
  constructor(source?: Source, options?: SemaphoreOptions) {
    super('semaphore', LAYOUT, source);
    this.#words = new UnitWords(this.loneWords);
    this.#hint = this.words;
    if (options === undefined) return;
    this.transact((state) => {
      if (state.get(Word.Max) !== 0) return;
      state.set(Word.Total, options.initial);
      state.set(Word.Initial, options.initial);
      state.set(Word.Max, options.max === Infinity ? UNBOUNDED : options.max + 1);
    });
  }

  override bounds(): SemaphoreOptions {
    return this.transact((state) => ({ initial: state.get(Word.Initial), max: mostOf(state) }));
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
    if (units === 1 && this.#isKnown() && this.#words.release(this.#at)) return true;
    const outcome = this.transact((state) => this.#release(state, units));
    if (outcome === 'wake') this.wake();
    return outcome !== 'too many';
  }

  value(): number {
    const [value, wake] = this.transact((state) => {
      const served = this.#value(state) < state.get(Word.Initial) && this.#bury(state);
      return [this.#value(state), served];
    });
    if (wake) this.wake();
    return value;
  }

  override close(): void {
    super.close();
    this.#own = this.#at = -1;
  }

  protected override transact<R>(change: (state: Draft) => R): R {
    return super.transact((state) => this.#stopped(state, change));
  }

  protected override tryTransact<R>(change: (state: Draft) => R): R | undefined {
    return super.tryTransact((state) => this.#stopped(state, change));
  }

  protected override request(): Wanted {
    this.#register();
    const request: Wanted = {
      row: undefined,
      poll: (state) =>
        first(state) === undefined && this.#hasFree(state)
          ? { acquired: true, died: this.#take(state) }
          : undefined,
      look: (state) => {
        const { row } = request;
        const here = row === undefined ? this.#begin(state, request) : this.#granted(state, request, row);
        const waits = here === undefined || here.full === true;
        if (!waits || !this.isTimeToBury()) return here;
        const wake = this.#bury(state);
        return (request.row === undefined ? here : this.#granted(state, request, request.row)) ?? { wake };
      },
      giveUp: (state) => {
        const { row } = request;
        if (row === undefined) {
          const wake = this.#value(state) === 0 && this.#bury(state);
          return { ...request.poll(state), wake };
        }
        const late = this.#granted(state, request, row);
        if (late === undefined) state.setField(row, 0, 0);
        return late;
      },
    };
    return request;
  }

  /** Nothing has happened to it for as long as its row says that it waits. */
  protected override look(request: Request): true | undefined {
    const { row } = request;
    if (row !== undefined && !this.mayBury && this.peek(row) === WAITING) return undefined;
    return super.look(request);
  }

  #isKnown(): boolean {
    return this.#own !== -1 && this.#pid === process.pid;
  }

  #takeAtOnce(): boolean {
    if (!this.#isKnown() || !this.#words.acquire(this.#at)) return false;
    this.ownerDied = false;
    return true;
  }

  #begin(state: Draft, request: Wanted): Outcome | undefined {
    const taken = request.poll(state);
    if (taken !== undefined) return taken;
    // It looks again when there may be a row. All those who have one came first.
    if (state.isFull) return { full: true };
    const ticket = (state.get(Word.Ticket) + 1) | 0;
    state.set(Word.Ticket, ticket);
    request.row = state.addRow(WAITING, ...fieldsOf(ownIdentity()), ticket);
    return undefined;
  }

  /** Whether a request that waits has been given a unit. */
  #granted(state: Draft, request: Wanted, row: number): Outcome | undefined {
    const what = state.field(row, 0);
    if (what !== GRANTED && what !== SERVED) return undefined;
    const died = state.field(row, FIELD) === 1;
    if (what === GRANTED) state.setField(this.#own, FIELD, state.field(this.#own, FIELD) + 1);
    state.setField(row, 0, 0);
    request.row = undefined;
    return { acquired: true, died };
  }

  /** Before it sleeps. Whoever has not asked yet stands back as soon as somebody waits. */
  #spinFor(request: Wanted): true | undefined {
    const poll = () => super.look({ ...request, look: request.poll });
    const seen =
      poll() ??
      spin(() => {
        if (this.#takeAtOnce()) return true;
        const hint = Atomics.load(this.#hint, LONE_WORD);
        if ((hint & Hint.Queued) !== 0) return 'queued';
        return (hint & Hint.Free) !== 0 || this.#anySpare(hint >> Hint.Rows) ? poll() : undefined;
      });
    if (seen === true) return true;
    const look = () => this.look(request);
    return look() ?? this.spinFor(look);
  }

  #anySpare(rows: number): boolean {
    for (let row = 0; row < rows; row++) if (this.#words.hasSpare(row)) return true;
    return false;
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
      const added = state.addRow(PROCESS, ...fieldsOf(own), 0);
      this.#words.reset(added);
      return [added, buried];
    });
    this.#own = row;
    this.#at = this.#words.at(row);
    this.#pid = own.pid;
    if (wake) this.wake();
  }

  /** Looks or changes while nobody acquires or releases; what is free goes to those who wait. */
  #stopped<R>(state: Draft, change: (state: Draft) => R): R {
    const processes = () => [...state.rows()].filter((row) => state.field(row, 0) === PROCESS);
    for (const row of processes()) this.#words.stop(row);
    const result = change(state);
    state.afterwards(() => {
      const isQueued = first(state) !== undefined;
      const isFree = this.#free(state) > 0;
      const hint = (isQueued ? Hint.Queued : 0) | (isFree ? Hint.Free : 0) | (state.used << Hint.Rows);
      if (Atomics.load(this.#hint, LONE_WORD) !== hint) Atomics.store(this.#hint, LONE_WORD, hint);
      if (!isQueued) for (const row of processes()) this.#words.goOn(row);
    });
    return result;
  }

  /** The units that nobody holds, in whoever's word they are. */
  #value(state: Draft): number {
    let value = state.get(Word.Total);
    for (const row of state.rows()) {
      const what = state.field(row, 0);
      if (what === PROCESS) value -= state.field(row, FIELD) + this.#words.held(row);
      else if (what === GRANTED) value--;
    }
    return value;
  }

  /** The units that are nobody's. */
  #free(state: Draft): number {
    let free = this.#value(state);
    for (const row of state.rows()) if (state.field(row, 0) === PROCESS) free -= this.#words.spare(row);
    return free;
  }

  /** Whether a unit is free; a spare one is made so if need be. */
  #hasFree(state: Draft): boolean {
    if (this.#free(state) > 0) return true;
    for (const row of state.rows()) {
      if (state.field(row, 0) !== PROCESS || this.#words.spare(row) === 0) continue;
      this.#words.takeSpare(row);
      return true;
    }
    return false;
  }

  /** This process holds a unit that was free; whether it came from a process that had ended. */
  #take(state: Draft): boolean {
    if (!this.#words.hold(this.#own)) state.setField(this.#own, FIELD, state.field(this.#own, FIELD) + 1);
    return this.#isOrphan(state);
  }

  #isOrphan(state: Draft): boolean {
    const orphaned = state.get(Word.Orphaned);
    if (orphaned > 0) state.set(Word.Orphaned, orphaned - 1);
    return orphaned > 0;
  }

  /** Gives free units to those who came first; whether there was one. */
  #serve(state: Draft): boolean {
    for (let any = false; ; any = true) {
      const row = first(state);
      if (row === undefined || !this.#hasFree(state)) return any;
      state.setField(row, 0, GRANTED);
      state.setField(row, FIELD, this.#isOrphan(state) ? 1 : 0);
    }
  }

  /** The process's own units first, then those of others, which it releases for them, then such as there were not. */
  #release(state: Draft, units: number): 'too many' | 'wake' | 'done' {
    if (this.#value(state) + units > Math.min(MOST_UNITS, mostOf(state))) return 'too many';
    const own = ownIdentity();
    const rows = [...state.rows()];
    rows.sort((a, b) => Number(isOf(state, b, own)) - Number(isOf(state, a, own)));
    let left = units;
    for (const row of rows) {
      if (left === 0) break;
      if (state.field(row, 0) !== PROCESS) continue;
      const inWord = Math.min(left, this.#words.held(row));
      if (inWord > 0) this.#words.giveBack(row, inWord);
      left -= inWord;
      const inRow = Math.min(left, state.field(row, FIELD));
      if (inRow > 0) state.setField(row, FIELD, state.field(row, FIELD) - inRow);
      left -= inRow;
    }
    for (const row of rows) {
      if (left === 0) break;
      if (state.field(row, 0) !== GRANTED) continue;
      state.setField(row, 0, SERVED);
      left--;
    }
    if (left > 0) state.set(Word.Total, state.get(Word.Total) + left);
    return this.#serve(state) ? 'wake' : 'done';
  }

  /** What processes that have ended had acquired is free again, but never more than there was; they wait no more. */
  #bury(state: Draft): boolean {
    const dead = deadRows(state);
    if (dead.length > 0) {
      const before = this.#value(state);
      for (const row of dead) state.setField(row, 0, 0);
      const most = Math.max(before, state.get(Word.Initial));
      const surplus = Math.max(0, this.#value(state) - most);
      if (surplus > 0) state.set(Word.Total, state.get(Word.Total) - surplus);
      const back = this.#value(state) - before;
      if (back > 0) state.set(Word.Orphaned, state.get(Word.Orphaned) + back);
    }
    return this.#serve(state);
  }
}
