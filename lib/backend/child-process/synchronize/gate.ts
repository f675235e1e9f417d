import { OUTCOMES, type Arrival, type Breach, type Gate } from '../../synchronize';
import { Verb, type Frame } from '../frames';
import { HubHandle } from './handle';

/** Numbers the arrivals of this process, at all gates. */
let arrivals = 0;

function breachOf(code: number): Breach | undefined {
  return code === 0 ? undefined : (OUTCOMES[code] as Breach);
}

/** A handle of a gate in the hub. */
export class ClientGate extends HubHandle implements Gate {
  arrive(): Arrival | Breach {
    const id = (arrivals = (arrivals + 1) >>> 0);
    const { b: index, c, tag } = this.ask(Verb.Arrive, id);
    const breach = breachOf(c);
    if (breach !== undefined) return breach;
    let outcome: 'open' | 'late' | Breach = 'late';
    const onGrant = ({ b }: Frame) => {
      outcome = OUTCOMES[b] ?? 'late';
    };
    return {
      index,
      isLast: tag === 1,
      open: () => OUTCOMES[this.ask(Verb.Open, id).b] as 'open' | Breach,
      wait: async (wait) => {
        await this.granted(wait, id, onGrant);
        return outcome;
      },
      waitSync: (timeout) => {
        this.grantedSync(timeout, id, onGrant);
        return outcome;
      },
    };
  }

  break(why: Breach): void {
    this.tell(Verb.Break, OUTCOMES.indexOf(why));
  }

  reset(): void {
    this.tell(Verb.Reset);
  }

  waiting(): number {
    return this.ask(Verb.Value).b;
  }

  breach(): Breach | undefined {
    return breachOf(this.ask(Verb.Value).c);
  }
}
