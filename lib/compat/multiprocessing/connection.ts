import { Pipe as nativePipe, type Bytes, type Connection as Native } from '../../pipe';
import { Sentinel } from '../../sentinel';
import { waitSync } from '../../wait';
import type { Queue, SimpleQueue } from './queue';
import { within, type Seconds } from './seconds';
import { travels, wrap, Wrapped } from './wrapped';

/** Python's `multiprocessing.connection.Connection`; {@link Pipe} makes them. */
export class Connection<S = unknown, R = S> extends Wrapped<Native<S, R>> {
  get closed(): boolean {
    return this.native.closed;
  }

  get readable(): boolean {
    return this.native.readable;
  }

  get writable(): boolean {
    return this.native.writable;
  }

  /** @throws BrokenPipeError */
  send(obj: S): void {
    this.native.sendSync(obj);
  }

  /** @throws EOFError */
  recv(): R {
    return this.native.recvSync();
  }

  /** @param timeout seconds; null waits for ever. @default 0 */
  poll(timeout: Seconds = 0): boolean {
    return this.native.pollSync(within('poll', timeout));
  }

  send_bytes(buf: Bytes, offset?: number, size?: number): void {
    this.native.sendBytesSync(buf, offset, size);
  }

  recv_bytes(maxlength?: number): Buffer {
    return this.native.recvBytesSync(maxlength === undefined ? {} : { maxLength: maxlength });
  }

  /** How many bytes came. @throws BufferTooShort, which has the message */
  recv_bytes_into(buf: Bytes, offset?: number): number {
    return this.native.recvBytesIntoSync(buf, offset);
  }

  close(): void {
    this.native.close();
  }
}

/** Two connections; without `duplex` the first only receives, the second only sends. */
export function Pipe<A = unknown, B = A>(duplex = true): [Connection<A, B>, Connection<B, A>] {
  const [a, b] = nativePipe<A, B>({ duplex });
  return [wrap<Connection<A, B>>(Connection, a), wrap<Connection<B, A>>(Connection, b)];
}

/** What `connection.wait` takes. */
export type Waitable = Connection | Queue | SimpleQueue | Sentinel;

/** Those that are ready within `timeout` seconds. */
export function wait<W extends Waitable>(object_list: Iterable<W>, timeout?: Seconds): W[] {
  const objects = [...object_list];
  const natives = objects.map((object) => (object instanceof Sentinel ? object : object.native));
  const ready = new Set<object>(waitSync(natives, within('wait', timeout)));
  return objects.filter((_, i) => ready.has(natives[i] as object));
}

travels(Connection);
