import { ClosedError } from '../../errors';
import type { Channel, ChannelOptions, Decode, Share } from '../backend';
import { ClientAccount } from './account';
import type { Client } from './client';
import type { Endpoint, Endpoints } from './endpoint';
import { EndpointHandle } from './endpoint-handle';
import { Op, header } from './frames';
import { isJoinable } from './names';

function ended(): Error {
  return new ClosedError('the queue has been shut down, and is empty');
}

/** A handle of a line in the hub that all holders use at either end. */
export class HubChannel<T> extends EndpointHandle<T> implements Channel<T> {
  readonly account: ClientAccount | undefined;

  static create<T>(
    client: Client,
    endpoints: Endpoints,
    { maxItems, maxBytes, joinable }: ChannelOptions,
    decode: Decode<T>,
  ): HubChannel<T> {
    const name = client.create({ kind: 'channel', maxItems, maxBytes, joinable });
    return HubChannel.#over(endpoints, endpoints.created(name, ended), decode);
  }

  static open<T>(endpoints: Endpoints, { key }: Share, decode: Decode<T>): HubChannel<T> {
    return HubChannel.#over(endpoints, endpoints.opened(key, ended), decode);
  }

  static #over<T>(endpoints: Endpoints, endpoint: Endpoint, decode: Decode<T>): HubChannel<T> {
    const { client, name } = endpoint;
    return new HubChannel(
      endpoints,
      endpoint,
      decode,
      isJoinable(name) ? new ClientAccount(client, name) : undefined,
    );
  }

  private constructor(endpoints: Endpoints, endpoint: Endpoint, decode: Decode<T>, account?: ClientAccount) {
    super(endpoints, endpoint, decode, () => account?.close());
    this.account = account;
  }

  size(): number {
    return this.endpoint.inlet.size().count;
  }

  full(): boolean {
    return this.endpoint.inlet.size().full;
  }

  pendingSends(): number {
    return this.endpoint.outlet.pending;
  }

  holdSends(held: boolean): void {
    this.endpoint.outlet.hold(held);
  }

  shutdown(immediate: boolean): void {
    const { client, name, outlet } = this.endpoint;
    outlet.shut();
    client.post(header(Op.Shutdown, name, 0, immediate ? 1 : 0));
    client.flush();
  }

  share(): Share {
    return this.shareAs('channel');
  }
}
