import type { Place, WaitLine } from '../../synchronize';
import { ownIdentity } from './processes';
import type { Draft } from './state';
import { OWNER_WORDS, Synchronizer, deadRows, fieldsOf, type Source } from './synchronizer';

const Word = { Ticket: 0 } as const;
const WAITING = 1;
/** Until it has the lock of the condition again: should its process end before, the notification goes on. */
const NOTIFIED = 2;
const TICKET = 1 + OWNER_WORDS;
const LAYOUT = { kind: 0x104, words: 1, rows: 1024, rowWords: TICKET + 1 };

function notify(state: Draft, count: number): boolean {
  const waiting = [...state.rows()].filter((row) => state.field(row, 0) === WAITING);
  waiting.sort((a, b) => (state.field(a, TICKET) - state.field(b, TICKET)) | 0);
  for (const row of waiting.slice(0, count)) state.setField(row, 0, NOTIFIED);
  return waiting.length > 0 && count > 0;
}

/** What a process had been notified of, and not left with, when it ended goes to the next one. Whether there was one. */
function bury(state: Draft): boolean {
  let lost = 0;
  for (const row of deadRows(state)) {
    if (state.field(row, 0) === NOTIFIED) lost++;
    state.setField(row, 0, 0);
  }
  return notify(state, lost);
}

/** A handle of a line in shared memory. See test/model/condition.pml. */
export class NativeWaitLine extends Synchronizer implements WaitLine {
  constructor(source?: Source) {
    super('wait-line', LAYOUT, source);
  }

  enter(): Place {
    const row = this.transact((state) => {
      const ticket = (state.get(Word.Ticket) + 1) | 0;
      state.set(Word.Ticket, ticket);
      return state.addRow(WAITING, ...fieldsOf(ownIdentity()), ticket);
    });
    let isNotified = false;
    const noticed = (notified: boolean | undefined) => (isNotified = notified === true);
    const look = () => noticed(this.#look(row)) || undefined;
    const giveUp = () =>
      noticed(
        this.transact((state) => {
          const notified = state.field(row, 0) === NOTIFIED;
          if (!notified) state.setField(row, 0, 0);
          return notified;
        }),
      );
    const leave = (passOn: boolean) => {
      if (!isNotified || !this.isOpen) return;
      isNotified = false;
      const wake = this.transact((state) => {
        state.setField(row, 0, 0);
        return passOn && notify(state, 1);
      });
      if (wake) this.wake();
    };
    return {
      wait: (wait) =>
        this.until(wait, look, giveUp, false, () => {
          leave(true);
        }),
      waitSync: (timeout) => this.untilSync(timeout, look, giveUp),
      leave: () => {
        leave(false);
      },
    };
  }

  notify(count: number): void {
    if (this.transact((state) => notify(state, count))) this.wake();
  }

  #look(row: number): true | undefined {
    const outcome = this.tryTransact((state) => {
      const others = state.field(row, 0) === WAITING && this.isTimeToBury() && bury(state);
      return { others, notified: state.field(row, 0) === NOTIFIED };
    });
    if (outcome?.others === true) this.wake();
    return outcome?.notified === true ? true : undefined;
  }
}
