import { BrokenPipeError, ClosedError } from '../../errors';
import { align, offsetIn, type Batch, type Share, type Wait } from '../backend';
import type { Client } from './client';
import { Op, Put, header, type Frame } from './frames';
import { hubGone } from './gone';
import { isBounded } from './names';
import { Pending } from '../pending';
import { petition, petitionSync, type Petition } from './petition';
import { withRights, type Outgoing } from './rights';

function shut(): ClosedError {
  return new ClosedError('expected a queue that takes messages, but it has been shut down');
}

function isPut(answer: Frame | undefined): boolean {
  if (answer === undefined) throw hubGone();
  if (answer.b === Put.Shut) throw shut();
  return answer.b === Put.Done;
}

/** Where one endpoint's messages leave this process. */
export class Outlet {
  readonly #client: Client;
  readonly #endpoint: number;
  readonly #bounded: boolean;
  /** Puts that the hub has and has not admitted. */
  readonly #waiting: Pending;
  /** Why nothing can be sent any more. */
  #ended: (() => Error) | undefined;

  constructor(client: Client, endpoint: number) {
    this.#client = client;
    this.#endpoint = endpoint;
    this.#bounded = isBounded(endpoint);
    this.#waiting = new Pending(client.holder, () => undefined);
  }

  get pending(): number {
    return this.#waiting.size;
  }

  /** Whether puts that wait keep the event loop alive. */
  hold(held: boolean): void {
    this.#waiting.hold(held);
  }

  /** Nobody receives any more. */
  peerGone(): void {
    this.#ended ??= () =>
      new BrokenPipeError('expected somebody at the other end, but it is closed or its process has ended');
  }

  /** Sending was ended, here or elsewhere. The hub answers those who wait. */
  shut(): void {
    this.#ended ??= shut;
  }

  trySend(tag: number, data: Uint8Array, length: number, start = 0, shares?: readonly Share[]): boolean {
    if (this.#bounded) return false;
    this.#check();
    const out = withRights(tag, data, length, start, shares);
    this.#client.post(header(Op.Put, this.#endpoint, 0, 0, 0, out.tag), out.data, out.length, out.start);
    return true;
  }

  trySendMany(batch: Batch, first: number): number {
    if (this.#bounded) return 0;
    this.#check();
    let start = offsetIn(batch, first);
    for (let i = first; i < batch.count; i++) {
      const length = batch.lengths[2 * i] ?? 0;
      const tag = batch.lengths[2 * i + 1] ?? 0;
      this.#client.gather(header(Op.Put, this.#endpoint, 0, 0, 0, tag), batch.data, length, start);
      start += align(length);
    }
    this.#client.flush();
    return batch.count - first;
  }

  async send(
    tag: number,
    data: Uint8Array,
    length: number,
    wait: Wait,
    shares: readonly Share[] | undefined,
    handle: object,
  ): Promise<void> {
    if (this.trySend(tag, data, length, 0, shares)) return;
    const out = withRights(tag, data, length, 0, shares);
    await petition(this.#client, this.#waiting, handle, wait, this.#petition(out));
  }

  sendSync(
    tag: number,
    data: Uint8Array,
    length: number,
    timeout: number,
    shares?: readonly Share[],
  ): boolean {
    if (this.trySend(tag, data, length, 0, shares)) {
      this.#client.flush();
      return true;
    }
    return petitionSync(this.#client, timeout, this.#petition(withRights(tag, data, length, 0, shares)));
  }

  close(handle: object): void {
    this.#waiting.rejectAll(
      () => new ClosedError('the object was closed before there was room for this message'),
      handle,
    );
  }

  #petition({ tag, data, length, start }: Outgoing): Petition {
    this.#check();
    return {
      post: (request, waits) => {
        const of = header(Op.PutRequest, this.#endpoint, request, 0, waits ? 1 : 0, tag);
        this.#client.post(of, data, length, start);
      },
      callOff: (request) => {
        this.#client.post(header(Op.CancelPut, this.#endpoint, request));
      },
      judge: isPut,
    };
  }

  #check(): void {
    if (this.#ended !== undefined) throw this.#ended();
  }
}
