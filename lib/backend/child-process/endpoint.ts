import type { Client, EndpointEvents } from './client';
import { Op, type Frame } from './frames';
import { Inlet } from './inlet';
import { Outlet } from './outlet';

/** One end of an object as this process has it, whatever the number of handles. */
export class Endpoint implements EndpointEvents {
  readonly name: number;
  readonly client: Client;
  readonly inlet: Inlet;
  readonly outlet: Outlet;
  handles = 1;
  /** Whether another process may have it, too. */
  shared = false;

  constructor(client: Client, name: number, endError: () => Error) {
    this.client = client;
    this.name = name;
    this.inlet = new Inlet(client, name, endError);
    this.outlet = new Outlet(client, name);
    client.attach(name, this);
  }

  onFrame(frame: Frame): void {
    if (frame.op === Op.Gone) this.outlet.peerGone();
    else if (frame.op === Op.Shut) this.outlet.shut();
    else this.inlet.onFrame(frame);
  }

  pump(): void {
    this.inlet.pump();
  }

  abandoned(): void {
    this.inlet.abandoned();
  }

  /** A handle is closed: its calls that still wait reject. Whether it was the last one. */
  release(handle: object): boolean {
    this.inlet.close(handle);
    this.outlet.close(handle);
    const isLast = --this.handles === 0;
    if (isLast) {
      this.inlet.subscribe(undefined);
      this.client.detach(this.name);
    }
    this.client.close(this.name, isLast ? this.inlet.slot : undefined);
    return isLast;
  }
}

/** The endpoints that are open in this process. */
export class Endpoints {
  readonly #client: Client;
  readonly #open = new Map<number, Endpoint>();

  constructor(client: Client) {
    this.#client = client;
  }

  /** One of an object that this process has just created. */
  created(name: number, endError: () => Error): Endpoint {
    const endpoint = new Endpoint(this.#client, name, endError);
    this.#open.set(name, endpoint);
    return endpoint;
  }

  /** A handle that has come with this process's orders or with a message: the hub counts it already. */
  opened(name: number, endError: () => Error): Endpoint {
    const known = this.#open.get(name);
    if (known === undefined) {
      const endpoint = this.created(name, endError);
      endpoint.shared = true;
      return endpoint;
    }
    known.handles++;
    return known;
  }

  /** A handle is closed. */
  release(endpoint: Endpoint, handle: object): void {
    if (endpoint.release(handle)) this.#open.delete(endpoint.name);
  }
}
