import { ClosedError, ConsumerLostError } from '../../errors';
import type { Account, Wait } from '../backend';
import type { Client } from './client';
import { Joined, Op, header, type Frame, type Loss } from './frames';
import { hubGone } from './gone';
import { Pending } from '../pending';
import { petition, petitionSync, type Petition } from './petition';

/** A process's part in the account of a joinable channel, which the hub keeps. */
export class ClientAccount implements Account {
  readonly #client: Client;
  readonly #endpoint: number;
  readonly #waiting: Pending;

  constructor(client: Client, endpoint: number) {
    this.#client = client;
    this.#endpoint = endpoint;
    this.#waiting = new Pending(client.holder, () => undefined);
  }

  done(): boolean {
    const answer = this.#client.ask((request) => {
      this.#client.post(header(Op.Done, this.#endpoint, request));
    });
    return answer.b === 1;
  }

  join(wait: Wait): Promise<void> {
    return petition(this.#client, this.#waiting, this, wait, this.#petition());
  }

  joinSync(timeout: number): boolean {
    return petitionSync(this.#client, timeout, this.#petition());
  }

  close(): void {
    this.#waiting.rejectAll(
      () => new ClosedError('the queue was closed while this call waited for its consumers'),
    );
  }

  #petition(): Petition {
    return {
      post: (request, waits) => {
        this.#client.post(header(Op.Join, this.#endpoint, request, 0, waits ? 1 : 0));
      },
      callOff: (request) => {
        this.#client.post(header(Op.CancelJoin, this.#endpoint, request));
      },
      judge: allDone,
    };
  }
}

/** Whether everything is done. */
function allDone(frame: Frame | undefined): boolean {
  if (frame === undefined) throw hubGone();
  if (frame.b !== Joined.Lost) return frame.b === Joined.Done;
  const { pid, unfinished } = JSON.parse(frame.payload.toString()) as Loss;
  throw new ConsumerLostError(
    `expected all messages to be done, but process ${pid} ended before it was done with what it had taken ` +
      `(${unfinished} not done); put them again, or call taskDone() for them`,
    { pid, unfinished },
  );
}
