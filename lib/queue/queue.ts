import '../dispose';
import { NOTHING, align, offsetIn, type Channel, type Wait } from '../backend/backend';
import { ClosedError, EmptyError, FullError, TimeoutError } from '../errors';
import { registerHandleType, type HandleDescription, type Transferable } from '../handles';
import {
  flag,
  integer,
  record,
  timeoutOption,
  waitOptions,
  type SyncWaitOptions,
  type WaitOptions,
} from '../options';
import { READINESS, type Readiness, type Waitable } from '../readiness';
import { HANDLE } from '../serializer';
import { encodeMessage } from '../user-message';
import { batches } from './batches';
import { OpenedQueue } from './opened';
import { describeBounds, type QueueOptions, type QueueSettings } from './options';
import { Outbox } from './outbox';

const RESOLVED = Promise.resolve();

/** How other classes of the library come to what a queue is made of. */
export const INSIDE: unique symbol = Symbol('inside');

export interface QueueInside<T> {
  readonly channel: Channel<T>;
  readonly outbox: Outbox;
}

/**
 * Many producers, many consumers, in this process and others: pass it as an argument of a {@link Process} or of a
 * pool's task, or send it in a message. First in, first out for each producer. What has been put is in shared memory: no process that
 * ends, however, takes a message with it or stops the others.
 */
export class Queue<T = unknown> implements Transferable, Waitable, AsyncIterable<T> {
  readonly #channel: Channel<T>;
  readonly #settings: QueueSettings;
  readonly #outbox: Outbox;
  #open = true;

  /**
   * @param options the largest number of messages, or options; without a bound `put` never waits
   * @throws InvalidArgumentError for options of the wrong type or range
   */
  constructor(options: number | QueueOptions = {}) {
    const opened = OpenedQueue.from(options, false);
    this.#channel = opened.channel as Channel<T>;
    this.#settings = opened;
    this.#outbox = new Outbox(this.#channel, opened);
  }

  /**
   * Puts a value, which is serialized at the call. Resolves when it is in shared memory; waits only if the queue has a
   * bound.
   * @throws FullError if there was no room within `timeout`, or growing would exceed the memory
   * @throws ClosedError if the queue was closed in this process or shut down, also while the call waits
   * @throws SerializationError if the value cannot be sent
   */
  put(value: T, options?: WaitOptions): Promise<void> {
    try {
      const channel = this.#use();
      const wait = options === undefined ? undefined : this.#wait('put', options);
      const { tag, data, length, shares } = encodeMessage(value);
      if (channel.trySend(tag, data, length, 0, shares)) return RESOLVED;
      const patience = wait ?? this.#wait('put', undefined);
      return this.#outbox.add(channel.send(tag, data, length, patience, shares));
    } catch (error) {
      return rejected(error);
    }
  }

  /** Like {@link put}, and blocks the thread meanwhile. */
  putSync(value: T, options?: SyncWaitOptions): void {
    const channel = this.#use();
    const { tag, data, length, shares } = encodeMessage(value);
    if (!channel.sendSync(tag, data, length, timeoutOption('putSync', options), shares))
      throw this.#fullError();
  }

  /** Puts without waiting. @throws FullError if there is no room, or earlier puts of this process still wait */
  putNowait(value: T): void {
    const { tag, data, length, shares } = encodeMessage(value);
    if (!this.#use().sendSync(tag, data, length, 0, shares)) throw this.#fullError();
  }

  /** Puts the values in order; much cheaper than one by one. After a FullError the first of them may be in the queue. */
  putMany(values: Iterable<T>, options?: WaitOptions): Promise<void> {
    try {
      const channel = this.#use();
      const wait = this.#wait('putMany', options);
      let last: Promise<void> = RESOLVED;
      for (const batch of batches(values)) {
        const { shares } = batch;
        let sent = shares === undefined ? channel.trySendMany(batch, 0) : 0;
        for (let offset = offsetIn(batch, sent); sent < batch.count; sent++) {
          const length = batch.lengths[2 * sent] ?? 0;
          const data = batch.data.subarray(offset, offset + length);
          const tag = batch.lengths[2 * sent + 1] ?? 0;
          last = this.#outbox.add(channel.send(tag, data, length, wait, shares));
          last.catch(() => undefined); // the last one tells: they fail in order
          offset += align(length);
        }
      }
      return last;
    } catch (error) {
      return rejected(error);
    }
  }

  /** Like {@link putMany}, and blocks the thread meanwhile. */
  putManySync(values: Iterable<T>, options?: SyncWaitOptions): void {
    const channel = this.#use();
    const limit = timeoutOption('putManySync', options);
    const end = performance.now() + limit;
    for (const batch of batches(values)) {
      const { shares } = batch;
      let sent = 0;
      while ((sent += shares === undefined ? channel.trySendMany(batch, sent) : 0) < batch.count) {
        const offset = offsetIn(batch, sent);
        const length = batch.lengths[2 * sent] ?? 0;
        const left = Math.max(0, end - performance.now());
        const data = batch.data.subarray(offset, offset + length);
        const tag = batch.lengths[2 * sent + 1] ?? 0;
        if (!channel.sendSync(tag, data, length, left, shares)) throw this.#fullError();
        sent++;
      }
    }
  }

  /**
   * Takes the oldest message.
   * @throws EmptyError if none came within `timeout`; nothing was taken then
   * @throws ClosedError if the queue was closed in this process, or shut down and is drained; also while the call waits
   */
  get(options?: WaitOptions): Promise<T> {
    try {
      const channel = this.#use();
      const wait = options === undefined ? undefined : this.#wait('get', options);
      if (wait?.signal?.aborted === true) return rejected(wait.signal.reason);
      const value = channel.tryReceive();
      if (value !== NOTHING) return Promise.resolve(value);
      return channel.receive(wait ?? this.#wait('get', undefined));
    } catch (error) {
      return rejected(error);
    }
  }

  /** Like {@link get}, and blocks the thread meanwhile. */
  getSync(options?: SyncWaitOptions): T {
    const value = this.#use().receiveSync(timeoutOption('getSync', options));
    if (value === NOTHING) throw this.#emptyError();
    return value;
  }

  /** Takes the oldest message without waiting. @throws EmptyError if there is none */
  getNowait(): T {
    const value = this.#use().receiveSync(0);
    if (value === NOTHING) throw this.#emptyError();
    return value;
  }

  /** Takes at least one message, waiting for it, and at most `max` of those that are there. */
  async getMany(max: number, options?: WaitOptions): Promise<T[]> {
    integer('getMany argument "max"', max, 1);
    return this.#use().receiveMany(max, this.#wait('get', options));
  }

  /** Like {@link getMany}, and blocks the thread meanwhile. */
  getManySync(max: number, options?: SyncWaitOptions): T[] {
    integer('getManySync argument "max"', max, 1);
    const values = this.#use().receiveManySync(max, timeoutOption('getManySync', options));
    if (values.length === 0) throw this.#emptyError();
    return values;
  }

  /** How many messages are in the queue; exact at the moment of the call. */
  qsize(): number {
    return this.#use().size();
  }

  /** Whether there is nothing now; another process may change that at once. @throws ClosedError */
  empty(): boolean {
    return this.#use().size() === 0;
  }

  /** Whether a small message would have to wait. */
  full(): boolean {
    return this.#use().full();
  }

  /**
   * Ends the queue, in all processes: from now on nobody can put, and calls that wait for room reject. What is there can
   * still be got; then {@link get} fails, and iteration ends.
   * @param options `immediate`: drops what is there. @default false
   */
  shutdown(options?: { readonly immediate?: boolean }): void {
    const { immediate } = record('shutdown options', options, ['immediate']);
    this.#use().shutdown(immediate !== undefined && flag('shutdown option "immediate"', immediate));
  }

  /** Takes messages, one at a time, until the queue is shut down and drained. */
  async *[Symbol.asyncIterator](): AsyncGenerator<T, void, undefined> {
    for (;;) {
      let value: T;
      try {
        value = await this.get();
      } catch (error) {
        if (error instanceof ClosedError && this.#open) return;
        throw error;
      }
      yield value;
    }
  }

  /**
   * Resolves when every put of this process up to now is in the queue or has failed. Only with a bound does a put wait.
   * @throws TimeoutError after `timeout` ms; they go on waiting
   */
  async flush(options?: WaitOptions): Promise<void> {
    this.#use();
    const { timeout, signal } = waitOptions('flush', options);
    signal?.throwIfAborted();
    if (!(await this.#outbox.flush({ timeout, signal }))) throw notFlushed();
  }

  /** Like {@link flush}, and blocks the thread meanwhile. */
  flushSync(options?: SyncWaitOptions): void {
    this.#use();
    if (!this.#outbox.flushSync(timeoutOption('flushSync', options))) throw notFlushed();
  }

  /** The end of this process does not wait any more for puts that wait for room: they may be lost. */
  cancelFlush(): void {
    this.#use();
    this.#outbox.cancel();
  }

  /** Gives up this process's use of the queue; others go on. Idempotent. Calls that still wait reject. */
  close(): void {
    this.#open = false;
    this.#channel.close();
  }

  /** Calls {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  [HANDLE](): HandleDescription {
    const channel = this.#use();
    const { maxsize, capacity, flushTimeout, name } = this.#settings;
    return {
      type: channel.account === undefined ? 'Queue' : 'JoinableQueue',
      share: channel.share(),
      details: { maxsize, capacity, flushTimeout, ...(name !== undefined && { name }) },
    };
  }

  /** @internal */
  [READINESS](): Readiness {
    return {
      readable: () => this.#use().readable(),
      whenReadable: (listener) => this.#use().whenReadable(listener),
    };
  }

  /** @internal Throws ClosedError once it is closed. */
  [INSIDE](): QueueInside<T> {
    return { channel: this.#use(), outbox: this.#outbox };
  }

  #use(): Channel<T> {
    if (!this.#open) throw new ClosedError('expected an open queue, but this one was closed in this process');
    return this.#channel;
  }

  #wait(call: 'put' | 'putMany' | 'get', options: WaitOptions | undefined): Wait {
    const { timeout: limit, signal } = waitOptions(call, options);
    signal?.throwIfAborted();
    return {
      timeout: limit,
      signal,
      timedOut: () => (call === 'get' ? this.#emptyError() : this.#fullError()),
      owner: this,
    };
  }

  #emptyError(): EmptyError {
    return new EmptyError('expected a message in the queue within the given time, but it stayed empty');
  }

  #fullError(): FullError {
    return new FullError(
      `expected room in the queue within the given time, but it stayed full ` +
        `(${describeBounds(this.#settings)}); wait longer, or let a consumer get messages`,
    );
  }
}

registerHandleType('Queue', (share, details) => new Queue(OpenedQueue.open(share, details)));

function notFlushed(): TimeoutError {
  return new TimeoutError(
    'flush was not done within the given time; puts still wait for room, and go on: let a consumer get messages',
  );
}

function rejected(error: unknown): Promise<never> {
  return Promise.reject(error);
}
