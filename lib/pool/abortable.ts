import { onAbort } from './on-abort';
import type { Outcome, Stopper, Task } from './task';

/**
 * The one outcome of a call, unless its signal is aborted before: then its tasks are stopped, and the outcome is the
 * reason, at once or when they run no more.
 */
export class Abortable implements Outcome {
  /** What the call has handed in. */
  readonly tasks: Task[] = [];
  readonly #outcome: Outcome;
  readonly #callOff: (() => void) | undefined;
  readonly #signal: AbortSignal;
  #open = true;

  constructor(outcome: Outcome, signal: AbortSignal, stopper: Stopper, awaitStop = false) {
    this.#outcome = outcome;
    this.#signal = signal;
    if (signal.aborted) {
      this.dropped();
    } else {
      this.#callOff = onAbort(signal, () => {
        if (!awaitStop) this.dropped();
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

  said(value: unknown): void {
    if (this.#open) this.#outcome.said?.(value);
  }

  /** No task runs any more, or none is waited for. */
  dropped(): void {
    this.settle(0, false, this.#signal.reason);
  }

  settle(index: number, ok: boolean, value: unknown): void {
    if (!this.#open) return;
    this.#open = false;
    this.#callOff?.();
    if (this.#signal.aborted) this.#outcome.settle(0, false, this.#signal.reason);
    else this.#outcome.settle(index, ok, value);
  }
}
