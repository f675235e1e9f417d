import type { Place, WaitLine } from '../../synchronize';
import { Verb } from '../frames';
import { HubHandle } from './handle';

/** Numbers the places of this process, of all lines. */
let places = 0;

/** A handle of a line in the hub. */
export class ClientWaitLine extends HubHandle implements WaitLine {
  enter(): Place {
    const id = (places = (places + 1) >>> 0);
    this.tell(Verb.Enter, id);
    let isNotified = false;
    const notified = () => {
      isNotified = true;
    };
    return {
      wait: (wait) => this.granted(wait, id, notified),
      waitSync: (timeout) => this.grantedSync(timeout, id, notified),
      leave: () => {
        if (isNotified) this.tellAfterAll(Verb.Noticed, id);
        isNotified = false;
      },
    };
  }

  protected override decline(place: number): void {
    this.tellAfterAll(Verb.Noticed, place, 1);
  }

  notify(count: number): void {
    this.tell(Verb.Notify, Math.min(count, 2 ** 32 - 1));
  }
}
