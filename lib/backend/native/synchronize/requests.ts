import type { Wait } from '../../backend';
import type { Semaphore, SemaphoreOptions } from '../../synchronize';
import type { Draft } from './state';
import { Synchronizer } from './synchronizer';

/** What a request has done to the state; undefined: nothing that anybody need know. */
export interface Outcome {
  readonly acquired?: boolean;
  /** Whether what was acquired came from a process that had ended. */
  readonly died?: boolean;
  /** Whether others are to look now. */
  readonly wake?: boolean;
  /** Whether there was no row to wait in. */
  readonly full?: boolean;
}

/** One call of acquire: a row of its own from the moment that it has to wait, unless there are too many that do. */
export interface Request {
  readonly row: number | undefined;
  look(state: Draft): Outcome | undefined;
  /** The last look; nothing of it stays unless it has acquired. */
  giveUp(state: Draft): Outcome | undefined;
}

/** Units that are acquired by requests, which wait in the order in which they were made. */
export abstract class RequestedUnits extends Synchronizer implements Semaphore {
  ownerDied = false;
  /** The version that had no row left. */
  #fullAt: number | undefined;

  abstract bounds(): SemaphoreOptions;
  abstract release(units: number): boolean;
  abstract value(): number;
  protected abstract request(): Request;

  acquire(wait: Wait, onSettled?: (acquired: boolean) => void): Promise<boolean> {
    const request = this.request();
    return this.until(
      wait,
      () => {
        const acquired = this.look(request);
        if (acquired === true) onSettled?.(true);
        return acquired;
      },
      () => {
        const acquired = this.#giveUp(request);
        onSettled?.(acquired);
        return acquired;
      },
      false,
      () => this.release(1),
    );
  }

  acquireSync(timeout: number): boolean {
    const request = this.request();
    const look = () => this.look(request);
    return this.acquireBlocked(timeout, request, () => look() ?? this.spinFor(look));
  }

  /** @param first a look that may take its time; the later ones are for when something has happened */
  protected acquireBlocked(timeout: number, request: Request, first: () => true | undefined): boolean {
    let look = () => {
      look = () => this.look(request);
      return first();
    };
    return this.untilSync(
      timeout,
      () => look(),
      () => this.#giveUp(request),
    );
  }

  protected look(request: Request): true | undefined {
    if (request.row === undefined && this.version === this.#fullAt && !this.mayBury) return undefined;
    return this.#heed(this.tryTransact((state) => request.look(state))) || undefined;
  }

  #giveUp(request: Request): boolean {
    return this.#heed(this.transact((state) => request.giveUp(state)));
  }

  #heed(outcome: Outcome | undefined): boolean {
    if (outcome?.wake === true) this.wake();
    if (outcome?.full === true) this.#fullAt = this.version;
    if (outcome?.acquired !== true) return false;
    this.ownerDied = outcome.died === true;
    return true;
  }
}
