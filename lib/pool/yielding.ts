import { backend } from '../backend';
import { STREAM_AHEAD } from './stream';

/** In a worker: the back-pressure of the streams that run there. */
export class Yielding {
  /** How many more values each may send. */
  readonly #credits = new Map<number, number>();
  readonly #waiting = new Map<number, () => void>();

  begin(task: number): void {
    this.#credits.set(task, STREAM_AHEAD);
  }

  end(task: number): void {
    this.#credits.delete(task);
  }

  grant(task: number, count: number): void {
    const credit = this.#credits.get(task);
    if (credit === undefined) return; // it has ended meanwhile
    this.#credits.set(task, credit + count);
    this.wake(task);
  }

  /** One more value goes out; a promise if the next one has to wait until {@link grant} or {@link wake}. */
  spend(task: number): Promise<void> | undefined {
    const left = (this.#credits.get(task) ?? 0) - 1;
    this.#credits.set(task, left);
    if (left > 0) return undefined;
    // Nothing else may be going on here: that must not look like an event loop that has ended.
    backend.hold(1);
    return new Promise((resolve) => {
      this.#waiting.set(task, () => {
        backend.hold(-1);
        resolve();
      });
    });
  }

  wake(task: number): void {
    const waiter = this.#waiting.get(task);
    this.#waiting.delete(task);
    waiter?.();
  }
}
