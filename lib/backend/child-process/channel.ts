import { ClosedError } from '../../errors';
import type { Channel, ChannelOptions, Decode, Share } from '../backend';
import type { Client } from './client';
import type { Endpoints } from './endpoint';
import { EndpointHandle } from './endpoint-handle';

function ended(): Error {
  return new ClosedError('the queue has been shut down, and is empty');
}

/** A handle of a line in the hub that all holders use at either end. */
export class HubChannel<T> extends EndpointHandle<T> implements Channel<T> {
  static create<T>(
    client: Client,
    endpoints: Endpoints,
    { maxItems, maxBytes }: ChannelOptions,
    decode: Decode<T>,
  ): HubChannel<T> {
    const name = client.create({ kind: 'channel', maxItems, maxBytes });
    return new HubChannel(endpoints, endpoints.created(name, ended), decode);
  }

  static open<T>(endpoints: Endpoints, { key }: Share, decode: Decode<T>): HubChannel<T> {
    return new HubChannel(endpoints, endpoints.opened(key, ended), decode);
  }

  size(): number {
    return this.endpoint.inlet.size().count;
  }

  full(): boolean {
    return this.endpoint.inlet.size().full;
  }

  share(): Share {
    return this.shareAs('channel');
  }
}
