import { ClosedError } from '../../errors';
import { ownResources } from '../../finalizer';
import type { Batch, Decode, Nothing, Receiver, Sender, Share, Wait } from '../backend';
import type { Endpoint, Endpoints } from './endpoint';

/** A handle of an endpoint: what channels and ends of a duplex have in common. */
export class EndpointHandle<T> implements Sender, Receiver<T> {
  protected readonly endpoint: Endpoint;
  readonly #decode: Decode<T>;
  /** Stands for this handle among its endpoint's waiting calls, which must not keep the handle itself alive. */
  readonly #token = {};
  readonly #release: () => void;
  #open = true;

  /** @param release what else goes with the handle; must not refer to it */
  constructor(endpoints: Endpoints, endpoint: Endpoint, decode: Decode<T>, release?: () => void) {
    const token = this.#token;
    this.endpoint = endpoint;
    this.#decode = decode;
    this.#release = ownResources(this, () => {
      release?.();
      endpoints.release(endpoint, token);
    });
  }

  trySend(tag: number, data: Uint8Array, length: number, start = 0, shares?: readonly Share[]): boolean {
    return this.endpoint.outlet.trySend(tag, data, length, start, shares);
  }

  trySendLed(tag: number, data: Uint8Array, length: number, lead: Uint8Array): boolean {
    const whole = Buffer.concat([lead, data.subarray(0, length)]);
    return this.sendSync(tag, whole, whole.length, 0);
  }

  send(tag: number, data: Uint8Array, length: number, wait: Wait, shares?: readonly Share[]): Promise<void> {
    return this.endpoint.outlet.send(tag, data, length, wait, shares, this.#token);
  }

  sendSync(
    tag: number,
    data: Uint8Array,
    length: number,
    timeout: number,
    shares?: readonly Share[],
  ): boolean {
    return this.endpoint.outlet.sendSync(tag, data, length, timeout, shares);
  }

  trySendMany(batch: Batch, first: number): number {
    return this.endpoint.outlet.trySendMany(batch, first);
  }

  tryReceive(): T | Nothing {
    return this.endpoint.inlet.tryReceive(this.#decode);
  }

  receive(wait: Wait): Promise<T> {
    return this.endpoint.inlet.receive(this.#decode, wait, this.#token);
  }

  receiveSync(timeout: number): T | Nothing {
    return this.endpoint.inlet.receiveSync(this.#decode, timeout);
  }

  tryReceiveMany(max: number): T[] {
    return this.endpoint.inlet.tryReceiveMany(max, this.#decode);
  }

  receiveMany(max: number, wait: Wait): Promise<T[]> {
    return this.endpoint.inlet.receiveMany(max, this.#decode, wait, this.#token);
  }

  receiveManySync(max: number, timeout: number): T[] {
    return this.endpoint.inlet.receiveManySync(max, this.#decode, timeout);
  }

  readable(): boolean {
    return this.endpoint.inlet.readable();
  }

  whenReadable(listener: () => void): () => void {
    return this.endpoint.inlet.whenReadable(listener, this.#token);
  }

  close(): void {
    this.#open = false;
    this.#release();
  }

  protected shareAs(kind: Share['kind']): Share {
    if (!this.#open) throw new ClosedError('expected an open object to pass on, but it is closed');
    this.endpoint.shared = true;
    return { kind, key: this.endpoint.name, descriptors: [] };
  }
}
