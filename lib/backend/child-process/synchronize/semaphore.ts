import type { Wait } from '../../backend';
import type { Semaphore } from '../../synchronize';
import { Verb, type Frame } from '../frames';
import { HubHandle } from './handle';

/** A handle of units in the hub. */
export class ClientSemaphore extends HubHandle implements Semaphore {
  ownerDied = false;
  readonly #onGrant = (answer: Frame) => {
    this.ownerDied = answer.c === 1;
  };

  acquire(wait: Wait, onSettled?: (acquired: boolean) => void): Promise<boolean> {
    return this.granted(wait, 0, this.#onGrant, onSettled);
  }

  acquireSync(timeout: number): boolean {
    return this.grantedSync(timeout, 0, this.#onGrant);
  }

  release(units: number): boolean {
    return this.ask(Verb.Release, units).b === 1;
  }

  value(): number {
    return this.ask(Verb.Value).b;
  }

  protected override decline(): void {
    this.tellAfterAll(Verb.Release, 1);
  }
}
