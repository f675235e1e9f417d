import './dispose';
import { backend } from './backend';
import { NOTHING, type Duplex, type Wait } from './backend/backend';
import { ClosedError, EndOfFileError, InvalidStateError, TimeoutError } from './errors';
import { registerHandleType, type HandleDescription, type Transferable } from './handles';
import { flag, record, timeoutOption, waitOptions, type SyncWaitOptions, type WaitOptions } from './options';
import { untilReadable, untilReadableSync } from './readiness';
import { HANDLE } from './serializer';
import { decodeMessage, encodeMessage } from './user-message';

export interface PipeOptions {
  /** false: the first end only receives, the second only sends. @default true */
  readonly duplex?: boolean;
}

/** How a new end comes to its transport; not for users. */
class End {
  constructor(
    readonly duplex: Duplex<unknown>,
    readonly readable: boolean,
    readonly writable: boolean,
  ) {}
}

/**
 * One end of a {@link Pipe}. An end counts as open while any process holds it: close the end that you gave away, or you
 * will not learn of the other process's end.
 */
export class Connection<Send = unknown, Receive = Send> implements Transferable, AsyncIterable<Receive> {
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
    const { tag, data, length } = encodeMessage(value);
    if (!duplex.trySend(tag, data, length)) await duplex.send(tag, data, length, wait);
  }

  /** Like {@link send}, and blocks the thread meanwhile. */
  sendSync(value: Send, options?: SyncWaitOptions): void {
    const duplex = this.#use('send');
    const { tag, data, length } = encodeMessage(value);
    if (duplex.trySend(tag, data, length)) return;
    if (!duplex.sendSync(tag, data, length, timeoutOption('sendSync', options))) throw timedOut('sendSync');
  }

  /**
   * Takes the next message.
   * @throws EndOfFileError if the other end is gone and nothing is left
   * @throws TimeoutError after `timeout` ms; nothing was taken then
   */
  recv(options?: WaitOptions): Promise<Receive> {
    try {
      const duplex = this.#use('recv');
      const wait = this.#wait('recv', options);
      const value = duplex.tryReceive();
      return value === NOTHING ? duplex.receive(wait) : Promise.resolve(value);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  /** Like {@link recv}, and blocks the thread meanwhile. */
  recvSync(options?: SyncWaitOptions): Receive {
    const value = this.#use('recv').receiveSync(timeoutOption('recvSync', options));
    if (value === NOTHING) throw timedOut('recvSync');
    return value;
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

/**
 * Two connected ends: what one sends the other receives. Pass one as an argument of a {@link Process}, then close it
 * here.
 */
export function Pipe<A = unknown, B = A>(options?: PipeOptions): [Connection<A, B>, Connection<B, A>] {
  const given = record('Pipe options', options, ['duplex']);
  const duplex = given.duplex === undefined || flag('Pipe option "duplex"', given.duplex);
  const [a, b] = backend.createDuplex<unknown>(decodeMessage);
  return [new Connection(new End(a, true, duplex)), new Connection(new End(b, duplex, true))];
}

registerHandleType('Connection', (share, { readable, writable }) => {
  const duplex = backend.openDuplex<unknown>(share, decodeMessage);
  return new Connection(new End(duplex, readable === true, writable === true));
});

function timedOut(call: string): TimeoutError {
  return new TimeoutError(`${call} was not done within the given time; nothing was taken or sent`);
}

function closedError(): ClosedError {
  return new ClosedError('expected an open connection, but this one was closed in this process');
}
