import { Socket } from 'node:net';
import type { Readable } from 'node:stream';
import { ownResources } from '../../finalizer';
import { addon } from './addon';

/**
 * The reading end of a pipe that a child writes to. It becomes a stream when somebody asks for one, so that what nobody
 * ever looks at needs nobody to close it.
 */
export class OutputPipe {
  readonly #descriptor: number;
  readonly #close: () => void;
  readonly #owner: { isStream: boolean };
  #stream: Socket | undefined;

  constructor(descriptor: number) {
    const owner = { isStream: false };
    this.#descriptor = descriptor;
    this.#owner = owner;
    this.#close = ownResources(this, () => {
      if (!owner.isStream) addon.closeDescriptors([descriptor]);
    });
  }

  /** Always the same one; undefined if it was closed before somebody asked. */
  stream(held: boolean): Readable | undefined {
    if (this.#stream === undefined && !this.#owner.isStream) {
      this.#owner.isStream = true;
      this.#stream = new Socket({ fd: this.#descriptor, readable: true, writable: false });
      if (!held) this.#stream.unref();
    }
    return this.#stream;
  }

  /** Nobody will ask any more; who has the stream keeps it. */
  close(): void {
    this.#close();
    this.#owner.isStream = true;
  }
}
