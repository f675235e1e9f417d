import { onAbort } from './on-abort';
import type { Outcome, Stopper, Task } from './task';

/** The one outcome of a call, unless its signal is aborted before: then the reason, and its tasks are stopped. */
export class Abortable implements Outcome {
  /** What the call has handed in. */
  readonly tasks: Task[] = [];
  readonly #outcome: Outcome;
  readonly #callOff: (() => void) | undefined;
  #open = true;

  constructor(outcome: Outcome, signal: AbortSignal, stopper: Stopper) {
    this.#outcome = outcome;
    if (signal.aborted) {
      this.settle(0, false, signal.reason);
    } else {
      this.#callOff = onAbort(signal, () => {
        this.settle(0, false, signal.reason);
        stopper.stop(this.tasks, signal.reason);
      });
    }
  }

  /** Whether there is no outcome yet. */
  get isOpen(): boolean {
    return this.#open && this.#outcome.isOpen;
  }

  yielded(value: unknown): void {
    if (this.#open) this.#outcome.yielded?.(value);
  }

  settle(index: number, ok: boolean, value: unknown): void {
    if (!this.#open) return;
    this.#open = false;
    this.#callOff?.();
    this.#outcome.settle(index, ok, value);
  }
}
