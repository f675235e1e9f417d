import { ClosedError } from '../../../errors';
import { ownResources } from '../../../finalizer';
import type { Share, Wait } from '../../backend';
import type { Client } from '../client';
import type { Endpoints } from '../endpoint';
import { Op, header, type Frame, type Verb } from '../frames';
import { hubGone } from '../gone';
import { Pending } from '../../pending';
import { petition, petitionSync, type Petition } from '../petition';

/** Stands for the end of a wait, which is no error here. */
const TIMED_OUT = new Error();

function ended(): Error {
  return new ClosedError('this object carries no messages');
}

function closed(): Error {
  return new ClosedError('the object was closed while this call waited');
}

type VerbOf = (typeof Verb)[keyof typeof Verb];

/** A handle of something in the hub that processes wait for. */
export class HubHandle {
  readonly #client: Client;
  readonly #name: number;
  readonly #kind: Share['kind'];
  readonly #pending: Pending;
  readonly #release: () => void;
  #open = true;

  constructor(client: Client, endpoints: Endpoints, kind: Share['kind'], name: number, isNew: boolean) {
    const endpoint = isNew ? endpoints.created(name, ended) : endpoints.opened(name, ended);
    const pending = new Pending(client.holder, () => undefined);
    this.#client = client;
    this.#name = name;
    this.#kind = kind;
    this.#pending = pending;
    this.#release = ownResources(this, () => {
      pending.rejectAll(closed);
      endpoints.release(endpoint, pending);
    });
  }

  share(): Share {
    this.#mustBeOpen();
    return { kind: this.#kind, key: this.#name, descriptors: [] };
  }

  close(): void {
    this.#open = false;
    this.#release();
  }

  /** Asks, and blocks until the hub has answered. */
  protected ask(verb: VerbOf, argument = 0): Frame {
    this.#mustBeOpen();
    return this.#client.ask((request) => {
      this.#client.post(header(Op.Do, this.#name, request, argument, 0, verb));
    });
  }

  /** Tells the hub; what this process does next comes after it. */
  protected tell(verb: VerbOf, argument = 0): void {
    this.#mustBeOpen();
    this.#client.post(header(Op.Do, this.#name, 0, argument, 0, verb));
    this.#client.flush();
  }

  /** Whether it was granted; false when the time is over. `onGrant` hears the answer at once. */
  protected async granted(
    wait: Wait,
    place: number,
    onGrant: (answer: Frame) => void,
    onSettled?: (granted: boolean) => void,
  ): Promise<boolean> {
    this.#mustBeOpen();
    try {
      await petition(
        this.#client,
        this.#pending,
        this.#pending,
        { ...wait, timedOut: () => TIMED_OUT },
        this.#petition(place, onGrant, onSettled),
      );
      return true;
    } catch (error) {
      if (error === TIMED_OUT) return false;
      throw error;
    }
  }

  protected grantedSync(timeout: number, place: number, onGrant: (answer: Frame) => void): boolean {
    this.#mustBeOpen();
    return petitionSync(this.#client, timeout, this.#petition(place, onGrant));
  }

  /** What was granted comes too late: this handle is closed. */
  protected decline(_place: number): void {
    // Most things need no word.
  }

  /** Like {@link tell}, of a handle that may be closed. */
  protected tellAfterAll(verb: VerbOf, argument: number, further = 0): void {
    if (!this.#client.gone) this.#client.post(header(Op.Do, this.#name, 0, argument, further, verb));
  }

  #mustBeOpen(): void {
    if (!this.#open)
      throw new ClosedError('expected an open lock, but this handle was closed in this process');
  }

  #petition(
    place: number,
    onGrant: (answer: Frame) => void,
    onSettled: (granted: boolean) => void = () => undefined,
  ): Petition {
    return {
      post: (request, waits) => {
        this.#client.post(header(Op.Wait, this.#name, request, place, waits ? 1 : 0));
      },
      callOff: (request) => {
        this.#client.post(header(Op.CancelWait, this.#name, request));
      },
      judge: (answer) => {
        const isGranted = answer !== undefined && answer.b !== 0;
        if (isGranted && !this.#open) this.decline(place);
        if (isGranted && this.#open) onGrant(answer);
        onSettled(isGranted && this.#open);
        if (answer === undefined) throw hubGone();
        if (isGranted && !this.#open) throw closed();
        return isGranted;
      },
    };
  }
}
