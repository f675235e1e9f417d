import type { Wait } from '../../backend';
import type { Flag } from '../../synchronize';
import { Synchronizer, type Source } from './synchronizer';

/** How often it was set: who waits goes on even if it is cleared again before it looks. */
const Word = { IsSet: 0, Sets: 1 } as const;
const LAYOUT = { kind: 0x101, words: 2, rows: 0, rowWords: 0 };

/** A handle of a flag in shared memory. See test/model/event.pml. */
export class NativeFlag extends Synchronizer implements Flag {
  constructor(source?: Source) {
    super('flag', LAYOUT, source);
  }

  set(): void {
    this.transact((state) => {
      state.set(Word.IsSet, 1);
      state.set(Word.Sets, (state.get(Word.Sets) + 1) | 0);
    });
    this.wake();
  }

  clear(): void {
    this.transact((state) => {
      state.set(Word.IsSet, 0);
    });
  }

  isSet(): boolean {
    return this.transact((state) => state.get(Word.IsSet) === 1);
  }

  wait(wait: Wait): Promise<boolean> {
    const isOver = this.#watch();
    return this.until(wait, () => isOver() || undefined, isOver, false);
  }

  waitSync(timeout: number): boolean {
    const isOver = this.#watch();
    return this.untilSync(timeout, () => isOver() || undefined, isOver);
  }

  /** Whether it is set, or has been set since. */
  #watch(): () => boolean {
    const before = this.transact((state) => state.get(Word.Sets));
    return () =>
      this.tryTransact((state) => state.get(Word.IsSet) === 1 || state.get(Word.Sets) !== before) ?? false;
  }
}
