import type { Wait } from '../../backend';
import type { Flag } from '../../synchronize';
import { Verb } from '../frames';
import { HubHandle } from './handle';

const nothing = () => undefined;

/** A handle of a flag in the hub. */
export class ClientFlag extends HubHandle implements Flag {
  set(): void {
    this.tell(Verb.Set, 1);
  }

  clear(): void {
    this.tell(Verb.Set, 0);
  }

  isSet(): boolean {
    return this.ask(Verb.Value).b === 1;
  }

  wait(wait: Wait): Promise<boolean> {
    return this.granted(wait, 0, nothing);
  }

  waitSync(timeout: number): boolean {
    return this.grantedSync(timeout, 0, nothing);
  }
}
