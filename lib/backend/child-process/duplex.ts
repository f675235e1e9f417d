import { EndOfFileError } from '../../errors';
import type { Decode, Duplex, Share } from '../backend';
import type { Client } from './client';
import type { Endpoint, Endpoints } from './endpoint';
import { EndpointHandle } from './endpoint-handle';
import { Op, header, type Frame } from './frames';
import { ArrivedMessage } from './rights';

function ended(): Error {
  return new EndOfFileError('expected a message, but the other end is closed or its process has ended');
}

/** A handle of one end of two lines in the hub. */
export class HubDuplex<T> extends EndpointHandle<T> implements Duplex<T> {
  readonly #peer: Endpoint | undefined;

  static createPair<T>(
    client: Client,
    endpoints: Endpoints,
    decode: Decode<T>,
  ): [HubDuplex<T>, HubDuplex<T>] {
    const name = client.create({ kind: 'duplex' });
    const [a, b] = [endpoints.created(name, ended), endpoints.created(name + 1, ended)];
    return [new HubDuplex(endpoints, a, decode, b), new HubDuplex(endpoints, b, decode, a)];
  }

  static open<T>(endpoints: Endpoints, key: number, decode: Decode<T>): HubDuplex<T> {
    return new HubDuplex(endpoints, endpoints.opened(key, ended), decode);
  }

  private constructor(endpoints: Endpoints, endpoint: Endpoint, decode: Decode<T>, peer?: Endpoint) {
    super(endpoints, endpoint, decode);
    this.#peer = peer;
  }

  onReadable(listener: () => void): void {
    this.endpoint.inlet.subscribe(listener);
  }

  /** A message is never that near: it comes through the hub. */
  expect(): void {
    return;
  }

  linger(): boolean {
    return false;
  }

  unreceived(): number {
    return Infinity;
  }

  unsend<U>(decode: Decode<U>, done: (messages: U[]) => void): void {
    const { client, name } = this.endpoint;
    const messages: U[] = [];
    const request = client.request((frame: Frame | undefined) => {
      if (frame?.op === Op.Unsent) {
        messages.push(decode(new ArrivedMessage(frame)));
        return;
      }
      client.finish(request);
      done(messages);
    });
    client.post(header(Op.Unsend, name, request));
  }

  share(): Share {
    return this.shareAs('duplex');
  }

  override close(): void {
    super.close();
    // The hub will tell; but who has both ends, and has shown this one to nobody, knows already.
    const { handles, shared } = this.endpoint;
    if (handles === 0 && !shared) this.#peer?.outlet.peerGone();
  }
}
