import { BrokenPipeError, ClosedError } from '../../errors';
import { offsetIn, type Batch, type Wait } from '../backend';
import type { Client } from './client';
import { NO_PAYLOAD, Op, header, type Frame } from './frames';
import { hubGone } from './gone';
import { isBounded } from './names';
import { Pending } from './pending';

/** Where one endpoint's messages leave this process. */
export class Outlet {
  readonly #client: Client;
  readonly #endpoint: number;
  readonly #bounded: boolean;
  /** Puts that the hub has and has not admitted. */
  readonly #waiting: Pending;
  #gone = false;

  constructor(client: Client, endpoint: number) {
    this.#client = client;
    this.#endpoint = endpoint;
    this.#bounded = isBounded(endpoint);
    this.#waiting = new Pending(client, () => undefined);
  }

  /** Nobody receives any more. */
  peerGone(): void {
    this.#gone = true;
  }

  trySend(tag: number, data: Uint8Array, length: number, start = 0): boolean {
    if (this.#bounded) return false;
    this.#check();
    this.#client.post(header(Op.Put, this.#endpoint, 0, 0, 0, tag), data, length, start);
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
      start += Math.ceil(length / 8) * 8;
    }
    this.#client.flushSoon();
    return batch.count - first;
  }

  async send(tag: number, data: Uint8Array, length: number, wait: Wait, handle: object): Promise<void> {
    if (this.trySend(tag, data, length)) return;
    await new Promise<void>((resolve, reject) => {
      let answered = false;
      let givenUp: { readonly error: unknown } | undefined;
      const request = this.#request(tag, data, length, wait.timeout > 0, (frame) => {
        answered = true;
        if (givenUp !== undefined) this.#client.hold(-1);
        if (frame === undefined) reject(hubGone());
        else if (frame.b === 1) resolve();
        else reject(givenUp?.error ?? wait.timedOut());
        this.#waiting.pump();
      });
      this.#waiting.add(
        {
          attempt: () => answered,
          reject: (error) => {
            // The hub knows whether that comes too late.
            givenUp = { error };
            this.#client.hold(1);
            this.#client.post(header(Op.CancelPut, this.#endpoint, request));
          },
        },
        wait.timeout > 0 ? wait : { ...wait, timeout: Infinity },
        handle,
      );
    });
  }

  sendSync(tag: number, data: Uint8Array, length: number, timeout: number): boolean {
    if (this.trySend(tag, data, length)) {
      this.#client.flush();
      return true;
    }
    const answers: (Frame | undefined)[] = [];
    const request = this.#request(tag, data, length, timeout > 0, (frame) => answers.push(frame));
    const isAnswered = () => answers.length > 0;
    if (timeout > 0 && !this.#client.runUntil(isAnswered, timeout)) {
      this.#client.post(header(Op.CancelPut, this.#endpoint, request));
    }
    this.#client.runUntil(isAnswered, Infinity);
    const [answer] = answers;
    if (answer === undefined) throw hubGone();
    return answer.b === 1;
  }

  close(handle: object): void {
    this.#waiting.rejectAll(
      () => new ClosedError('the object was closed before there was room for this message'),
      handle,
    );
  }

  #request(
    tag: number,
    data: Uint8Array,
    length: number,
    wait: boolean,
    answer: (frame: Frame | undefined) => unknown,
  ): number {
    this.#check();
    const request = this.#client.request((frame) => {
      this.#client.finish(request);
      answer(frame);
    });
    const of = header(Op.PutRequest, this.#endpoint, request, 0, wait ? 1 : 0, tag);
    this.#client.post(of, length === 0 ? NO_PAYLOAD : data, length);
    return request;
  }

  #check(): void {
    if (this.#gone) {
      throw new BrokenPipeError(
        'expected somebody at the other end, but it is closed or its process has ended',
      );
    }
  }
}
