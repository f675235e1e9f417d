import './dispose';
import { backend } from './backend';
import {
  MOST_PER_BATCH,
  NOTHING,
  align,
  offsetIn,
  type Batch,
  type Channel,
  type Wait,
} from './backend/backend';
import { ClosedError, EmptyError, FullError } from './errors';
import { registerHandleType, type HandleDescription, type Transferable } from './handles';
import {
  integer,
  record,
  timeoutOption,
  waitOptions,
  type SyncWaitOptions,
  type WaitOptions,
} from './options';
import { HANDLE } from './serializer';
import { decodeMessage, encodeMessage } from './user-message';

export interface QueueOptions {
  /** Most messages at a time; 0: no bound. @default 0 */
  readonly maxsize?: number;
  /** Most bytes at a time, headers included; 0: no bound. A larger message passes when the queue is empty. @default 0 */
  readonly capacity?: number;
}

const RESOLVED = Promise.resolve();
const BATCH_BYTES = 256 * 1024;

/**
 * Many producers, many consumers, in this process and others: pass it as an argument of a {@link Process} or of a
 * pool's initializer. First in, first out for each producer. What has been put is in shared memory: no process that
 * ends, however, takes a message with it or stops the others.
 */
export class Queue<T = unknown> implements Transferable {
  readonly #channel: Channel<T>;
  readonly #maxsize: number;
  readonly #capacity: number;
  #open = true;

  /**
   * @param options the largest number of messages, or options; without a bound `put` never waits
   * @throws InvalidArgumentError for options of the wrong type or range
   */
  constructor(options: number | QueueOptions = {}) {
    if (options instanceof OpenedQueue) {
      this.#channel = options.channel as Channel<T>;
      this.#maxsize = options.maxsize;
      this.#capacity = options.capacity;
      return;
    }
    const given =
      typeof options === 'number'
        ? { maxsize: options }
        : record('Queue options', options, ['maxsize', 'capacity']);
    // As in Python, what is not positive means no bound.
    const bound = (name: string, value: unknown) =>
      value === undefined
        ? 0
        : Math.max(0, integer(`Queue option "${name}"`, value, -(2 ** 31), 2 ** 31 - 1));
    this.#maxsize = bound('maxsize', given.maxsize);
    this.#capacity =
      given.capacity === undefined
        ? 0
        : Math.max(0, integer('Queue option "capacity"', given.capacity, 0, 2 ** 32));
    this.#channel = backend.createChannel(
      { maxItems: this.#maxsize, maxBytes: this.#capacity, joinable: false },
      decodeMessage<T>,
    );
  }

  /**
   * Puts a value, which is serialized at the call. Resolves when it is in shared memory; waits only if the queue has a
   * bound.
   * @throws FullError if there was no room within `timeout`, or growing would exceed the memory
   * @throws SerializationError if the value cannot be sent
   */
  put(value: T, options?: WaitOptions): Promise<void> {
    try {
      const channel = this.#use();
      const wait = options === undefined ? undefined : this.#wait('put', options);
      const { tag, data, length } = encodeMessage(value);
      if (channel.trySend(tag, data, length)) return RESOLVED;
      return channel.send(tag, data, length, wait ?? this.#wait('put', undefined));
    } catch (error) {
      return rejected(error);
    }
  }

  /** Like {@link put}, and blocks the thread meanwhile. */
  putSync(value: T, options?: SyncWaitOptions): void {
    const channel = this.#use();
    const { tag, data, length } = encodeMessage(value);
    if (channel.trySend(tag, data, length)) return;
    if (!channel.sendSync(tag, data, length, timeoutOption('putSync', options))) throw this.#fullError();
  }

  /** Puts without waiting. @throws FullError if there is no room, or earlier puts of this process still wait */
  putNowait(value: T): void {
    const { tag, data, length } = encodeMessage(value);
    if (!this.#use().sendSync(tag, data, length, 0)) throw this.#fullError();
  }

  /** Puts the values in order; much cheaper than one by one. After a FullError the first of them may be in the queue. */
  putMany(values: Iterable<T>, options?: WaitOptions): Promise<void> {
    try {
      const channel = this.#use();
      const wait = this.#wait('putMany', options);
      let last: Promise<void> = RESOLVED;
      for (const batch of batches(values)) {
        let sent = channel.trySendMany(batch, 0);
        for (let offset = offsetIn(batch, sent); sent < batch.count; sent++) {
          const length = batch.lengths[2 * sent] ?? 0;
          last = channel.send(
            batch.lengths[2 * sent + 1] ?? 0,
            batch.data.subarray(offset, offset + length),
            length,
            wait,
          );
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
      let sent = 0;
      while ((sent += channel.trySendMany(batch, sent)) < batch.count) {
        const offset = offsetIn(batch, sent);
        const length = batch.lengths[2 * sent] ?? 0;
        const left = Math.max(0, end - performance.now());
        const data = batch.data.subarray(offset, offset + length);
        if (!channel.sendSync(batch.lengths[2 * sent + 1] ?? 0, data, length, left)) throw this.#fullError();
        sent++;
      }
    }
  }

  /**
   * Takes the oldest message.
   * @throws EmptyError if none came within `timeout`; nothing was taken then
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

  empty(): boolean {
    return this.#use().size() === 0;
  }

  /** Whether a small message would have to wait. */
  full(): boolean {
    return this.#use().full();
  }

  /** Gives up this process's use of the queue; others go on. Idempotent. Calls that still wait reject. */
  close(): void {
    this.#open = false;
    this.#channel.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  [HANDLE](): HandleDescription {
    return {
      type: 'Queue',
      share: this.#use().share(),
      details: { maxsize: this.#maxsize, capacity: this.#capacity },
    };
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
      `expected room in the queue within the given time, but it stayed full (maxsize ${this.#maxsize || 'none'}, ` +
        `capacity ${this.#capacity ? `${this.#capacity} bytes` : 'none'}); wait longer, or let a consumer get messages`,
    );
  }
}

/** What a queue of another process brings with it. */
class OpenedQueue {
  constructor(
    readonly channel: Channel<unknown>,
    readonly maxsize: number,
    readonly capacity: number,
  ) {}
}

registerHandleType('Queue', (share, details) => {
  const channel = backend.openChannel(share, decodeMessage);
  return new Queue(new OpenedQueue(channel, Number(details['maxsize']), Number(details['capacity'])));
});

function rejected(error: unknown): Promise<never> {
  return Promise.reject(error);
}

/** Encodes values into batches, so that one native call takes many. The batch is valid until the next one. */
function* batches(values: Iterable<unknown>): Generator<Batch> {
  const lengths = new Uint32Array(2 * MOST_PER_BATCH);
  let data = Buffer.allocUnsafeSlow(BATCH_BYTES);
  let count = 0;
  let used = 0;
  for (const value of values) {
    const message = encodeMessage(value);
    if (count === MOST_PER_BATCH || (count > 0 && used + message.length > data.length)) {
      const held = message.data.slice(0, message.length); // the consumer may encode something itself
      const { tag } = message;
      yield { data, lengths, count };
      count = used = 0;
      message.tag = tag;
      message.data = held;
      message.length = held.length;
    }
    if (message.length > data.length) data = Buffer.allocUnsafeSlow(align(message.length));
    data.set(
      message.length === message.data.length ? message.data : message.data.subarray(0, message.length),
      used,
    );
    lengths[2 * count] = message.length;
    lengths[2 * count + 1] = message.tag;
    count++;
    used += align(message.length);
  }
  if (count > 0) yield { data, lengths, count };
}
