import '../dispose';
import { NOTHING, type Duplex, type Wait } from '../backend/backend';
import { ClosedError, EndOfFileError, InvalidStateError, TimeoutError } from '../errors';
import type { HandleDescription, Transferable } from '../handles';
import { timeoutOption, waitOptions, type SyncWaitOptions, type WaitOptions } from '../options';
import { READINESS, untilReadable, untilReadableSync, type Readiness, type Waitable } from '../readiness';
import { HANDLE } from '../serializer';
import { BYTES, encodeMessage } from '../user-message';
import {
  bytesOf,
  copyInto,
  limited,
  partOf,
  receiveLimit,
  type Bytes,
  type ReceiveBytesOptions,
} from './bytes';
import { End } from './end';

/**
 * One end of a {@link Pipe}. An end counts as open while any process holds it: close the end that you gave away, or you
 * will not learn of the other process's end.
 */
export class Connection<Send = unknown, Receive = Send>
  implements Transferable, Waitable, AsyncIterable<Receive>
{
  readonly #duplex: Duplex<Receive>;
  /** Whether this end may receive. */
  readonly readable: boolean;
  /** Whether this end may send. */
  readonly writable: boolean;
  #open = true;

  /** @internal */
  constructor(end: unknown) {
    if (!(end instanceof End)) {
      throw new InvalidStateError('connections are made in pairs: use Pipe()');
    }
    this.#duplex = end.duplex as Duplex<Receive>;
    this.readable = end.readable;
    this.writable = end.writable;
  }

  /** Whether this process has closed this end. */
  get closed(): boolean {
    return !this.#open;
  }

  /**
   * Sends a value, which is serialized at the call; resolves when it is in shared memory.
   * @throws BrokenPipeError if the other end is closed or its process has ended
   * @throws SerializationError if the value cannot be sent
   */
  async send(value: Send, options?: WaitOptions): Promise<void> {
    const duplex = this.#use('send');
    const wait = this.#wait('send', options);
    const { tag, data, length, shares } = encodeMessage(value);
    if (!duplex.trySend(tag, data, length, 0, shares)) await duplex.send(tag, data, length, wait, shares);
  }

  /** Like {@link send}, and blocks the thread meanwhile. */
  sendSync(value: Send, options?: SyncWaitOptions): void {
    const duplex = this.#use('send');
    const { tag, data, length, shares } = encodeMessage(value);
    const timeout = timeoutOption('sendSync', options);
    if (!duplex.sendSync(tag, data, length, timeout, shares)) throw timedOut('sendSync');
  }

  /**
   * Takes the next message.
   * @throws EndOfFileError if the other end is gone and nothing is left
   * @throws TimeoutError after `timeout` ms; nothing was taken then
   */
  recv(options?: WaitOptions): Promise<Receive> {
    try {
      return this.#receive('recv', options);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Like {@link recv}, and blocks the thread meanwhile. */
  recvSync(options?: SyncWaitOptions): Receive {
    return this.#receiveSync('recvSync', options);
  }

  /**
   * Sends bytes as they are, `size` of them from `offset` on; as {@link send} does a Buffer. They are copied at the call.
   * @param size @default all behind `offset`
   * @throws InvalidArgumentError if `offset` and `size` do not lie within `data`
   * @throws BrokenPipeError if the other end is closed or its process has ended
   */
  async sendBytes(data: Bytes, offset?: number, size?: number, options?: WaitOptions): Promise<void> {
    const duplex = this.#use('send');
    const wait = this.#wait('sendBytes', options);
    const part = partOf('sendBytes', data, offset, size);
    if (!duplex.trySend(BYTES, part, part.length)) await duplex.send(BYTES, part, part.length, wait);
  }

  /** Like {@link sendBytes}, and blocks the thread meanwhile. */
  sendBytesSync(data: Bytes, offset?: number, size?: number, options?: SyncWaitOptions): void {
    const duplex = this.#use('send');
    const timeout = timeoutOption('sendBytesSync', options);
    const part = partOf('sendBytesSync', data, offset, size);
    if (!duplex.sendSync(BYTES, part, part.length, timeout)) throw timedOut('sendBytesSync');
  }

  /**
   * Takes the next message, which must be bytes: of {@link sendBytes}, or a Buffer that was sent.
   * @throws BufferTooShortError if it is longer than `maxLength`; the error has it
   * @throws SerializationError if it is another value; it is taken all the same
   * @throws EndOfFileError if the other end is gone and nothing is left
   * @throws TimeoutError after `timeout` ms; nothing was taken then
   */
  async recvBytes(options: ReceiveBytesOptions = {}): Promise<Buffer> {
    const { maxLength, wait } = receiveLimit('recvBytes', options);
    return limited(bytesOf(await this.#receive('recvBytes', wait)), maxLength);
  }

  /** Like {@link recvBytes}, and blocks the thread meanwhile. */
  recvBytesSync(options: Omit<ReceiveBytesOptions, 'signal'> = {}): Buffer {
    const { maxLength, wait } = receiveLimit('recvBytesSync', options);
    return limited(bytesOf(this.#receiveSync('recvBytesSync', wait)), maxLength);
  }

  /**
   * Like {@link recvBytes}, and writes the message into `into`, from byte `offset` on.
   * @returns its length
   * @throws BufferTooShortError if it does not fit; nothing is written, and the error has the message
   * @throws InvalidArgumentError if `offset` does not lie within `into`
   */
  async recvBytesInto(into: Bytes, offset?: number, options?: WaitOptions): Promise<number> {
    partOf('recvBytesInto', into, offset);
    return copyInto(into, offset, bytesOf(await this.#receive('recvBytesInto', options)));
  }

  /** Like {@link recvBytesInto}, and blocks the thread meanwhile. */
  recvBytesIntoSync(into: Bytes, offset?: number, options?: SyncWaitOptions): number {
    partOf('recvBytesIntoSync', into, offset);
    return copyInto(into, offset, bytesOf(this.#receiveSync('recvBytesIntoSync', options)));
  }

  /** Whether something can be received, or the other end is gone; waits for it. `timeout: 0` just looks. */
  async poll(options?: WaitOptions): Promise<boolean> {
    return untilReadable(this.#use('recv'), this.#wait('poll', options));
  }

  /** Like {@link poll}, and blocks the thread meanwhile. */
  pollSync(options?: SyncWaitOptions): boolean {
    return untilReadableSync(this.#use('recv'), timeoutOption('pollSync', options));
  }

  /** The messages up to the other end's end. */
  async *[Symbol.asyncIterator](): AsyncGenerator<Receive, void, undefined> {
    for (;;) {
      try {
        yield await this.recv();
      } catch (error) {
        if (error instanceof EndOfFileError) return;
        throw error;
      }
    }
  }

  /** Idempotent. What was sent is still received by the other end. Calls that still wait reject. */
  close(): void {
    this.#open = false;
    this.#duplex.close();
  }

  /** Calls {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  [HANDLE](): HandleDescription {
    if (!this.#open) throw closedError();
    return {
      type: 'Connection',
      share: this.#duplex.share(),
      details: { readable: this.readable, writable: this.writable },
    };
  }

  /** @internal */
  [READINESS](): Readiness {
    return {
      readable: () => this.#use('recv').readable(),
      whenReadable: (listener) => this.#use('recv').whenReadable(listener),
    };
  }

  #receive(call: string, options: WaitOptions | undefined): Promise<Receive> {
    const duplex = this.#use('recv');
    const wait = this.#wait(call, options);
    const value = duplex.tryReceive();
    return value === NOTHING ? duplex.receive(wait) : Promise.resolve(value);
  }

  #receiveSync(call: string, options: SyncWaitOptions | undefined): Receive {
    const value = this.#use('recv').receiveSync(timeoutOption(call, options));
    if (value === NOTHING) throw timedOut(call);
    return value;
  }

  #use(direction: 'send' | 'recv'): Duplex<Receive> {
    if (!this.#open) throw closedError();
    if (!(direction === 'send' ? this.writable : this.readable)) {
      throw new InvalidStateError(
        direction === 'send'
          ? 'this end only receives; send through the second end of Pipe({ duplex: false })'
          : 'this end only sends; receive through the first end of Pipe({ duplex: false })',
      );
    }
    return this.#duplex;
  }

  #wait(call: string, options: WaitOptions | undefined): Wait {
    const { timeout: limit, signal } = waitOptions(call, options);
    signal?.throwIfAborted();
    return { timeout: limit, signal, timedOut: () => timedOut(call), owner: this };
  }
}

function timedOut(call: string): TimeoutError {
  return new TimeoutError(`${call} was not done within the given time; nothing was taken or sent`);
}

function closedError(): ClosedError {
  return new ClosedError('expected an open connection, but this one was closed in this process');
}
