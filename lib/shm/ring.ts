import '../dispose';
import { backend } from '../backend';
import { MOST_PER_BATCH, NOTHING, align, type Channel, type Message, type Wait } from '../backend/backend';
import { ClosedError, EmptyError, FullError, UnsupportedError } from '../errors';
import { registerHandleType, type HandleDescription, type Transferable } from '../handles';
import {
  integer,
  invalid,
  record,
  timeoutOption,
  waitOptions,
  type SyncWaitOptions,
  type WaitOptions,
} from '../options';
import { HANDLE } from '../serializer';
import { bytesOf } from './bytes';

/** The tag that a codec would use. */
const NO_TAG = 0;
const MOST_RECORDS = 2 ** 31 - 1;
/** Most bytes of a batch that are gathered at a time. */
const GATHERED_BYTES = 256 * 1024;

/** The bounds of a ring. */
export interface RingOptions {
  /** Most records at a time. @default 0: no bound */
  readonly maxRecords?: number;
  /** Most bytes at a time; a larger record passes alone. @default 0: no bound */
  readonly maxBytes?: number;
}

type Records = Channel<Buffer>;

/** What arrived in a handle; given to the constructor in place of options. */
class Opened {
  constructor(readonly channel: Records) {}
}

function take(message: Message): Buffer {
  message.keep();
  return message.buffer.subarray(message.start, message.end);
}

function create(options: unknown): Records {
  const given = record('Ring options', options, ['maxRecords', 'maxBytes']);
  const bound = (name: 'maxRecords' | 'maxBytes', most?: number) =>
    given[name] === undefined ? 0 : integer(`Ring option "${name}"`, given[name], 0, most);
  const bounds = { maxItems: bound('maxRecords', MOST_RECORDS), maxBytes: bound('maxBytes') };
  if (backend.name !== 'native') {
    throw new UnsupportedError(
      'expected a backend that can share memory, for a Ring, but this program uses the child_process backend; ' +
        'backend().reason tells why. Use a Queue instead',
    );
  }
  return backend.createChannel({ ...bounds, joinable: false }, take);
}

/**
 * The ring under every Queue, without a codec: records of bytes, many writers, many readers, in any process. First in,
 * first out for each writer. What was written is in shared memory: who is killed, at whatever instruction, takes none of
 * it along, writes no half record and stops nobody. Passes by handle.
 */
export class Ring implements Transferable {
  readonly #channel: Records;
  #open = true;

  /**
   * Costs a memfd of 4 GiB of addresses, of which what is used is real, two eventfds and a socketpair.
   * @throws InvalidArgumentError for bounds that cannot be
   * @throws UnsupportedError without the addon
   */
  constructor(options?: RingOptions) {
    this.#channel = options instanceof Opened ? options.channel : create(options);
  }

  /**
   * Writes a record if there is room, without waiting. One call into C++, which copies the bytes into the ring; a system
   * call only to wake who sleeps.
   * @returns false: no room, or earlier calls of {@link write} still wait for it
   * @throws FullError if growing would exceed the memory
   * @throws ClosedError
   */
  tryWrite(bytes: Uint8Array): boolean {
    const data = bytesOf('tryWrite argument "bytes"', bytes);
    return this.#use().sendSync(NO_TAG, data, data.length, 0);
  }

  /** Writes a record, and blocks the thread while there is no room. @throws FullError after `timeout` ms; ClosedError */
  writeSync(bytes: Uint8Array, options?: SyncWaitOptions): void {
    const data = bytesOf('writeSync argument "bytes"', bytes);
    if (!this.#use().sendSync(NO_TAG, data, data.length, timeoutOption('writeSync', options))) throw full();
  }

  /** Writes a record, which is copied at the call. @throws FullError after `timeout` ms; ClosedError, also while it waits */
  async write(bytes: Uint8Array, options?: WaitOptions): Promise<void> {
    const data = bytesOf('write argument "bytes"', bytes);
    await this.#use().send(NO_TAG, data, data.length, this.#wait('write', options, full));
  }

  /**
   * Writes the first ones that there is room for, up to 64 with one lock and one commit. Returns how many.
   * @throws ClosedError
   */
  tryWriteMany(records: readonly Uint8Array[]): number {
    const channel = this.#use();
    if (!Array.isArray(records)) throw invalid('tryWriteMany argument "records"', 'an array', records);
    const own = Array.from(records, (bytes, i) => bytesOf(`tryWriteMany argument "records"[${i}]`, bytes));
    for (let written = 0; ;) {
      const batch = gather(own, written);
      if (batch.count === 0) return written;
      const gone = channel.trySendMany(batch, 0);
      written += gone;
      if (gone < batch.count) return written;
    }
  }

  /** Takes the oldest record, if there is one; the bytes are the caller's. No system call but to wake who waits for room. */
  tryRead(): Buffer | undefined {
    const bytes = this.#use().receiveSync(0);
    return bytes === NOTHING ? undefined : bytes;
  }

  /** Takes the oldest record, and blocks the thread until there is one. @throws EmptyError after `timeout` ms; ClosedError */
  readSync(options?: SyncWaitOptions): Buffer {
    const bytes = this.#use().receiveSync(timeoutOption('readSync', options));
    if (bytes === NOTHING) throw empty();
    return bytes;
  }

  /** Takes the oldest record, waiting for it. @throws EmptyError after `timeout` ms; ClosedError, also while it waits */
  async read(options?: WaitOptions): Promise<Buffer> {
    return this.#use().receive(this.#wait('read', options, empty));
  }

  /** Takes what there is, at most `max` records; up to 64 with one lock and one commit. @param max @default 64 */
  tryReadMany(max: number = MOST_PER_BATCH): Buffer[] {
    return this.#use().tryReceiveMany(integer('tryReadMany argument "max"', max, 1));
  }

  /** Records in the ring; exact at the moment of the call. */
  get length(): number {
    return this.#use().size();
  }

  /** Whether a small record would have to wait. */
  get full(): boolean {
    return this.#use().full();
  }

  /** Whether this process has closed it. */
  get closed(): boolean {
    return !this.#open;
  }

  /** Gives up this process's use of it; others go on. Idempotent. Calls that still wait reject. */
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
    return { type: 'Ring', share: this.#use().share(), details: {} };
  }

  #use(): Records {
    if (this.#open) return this.#channel;
    throw new ClosedError('expected an open Ring, but this one was closed in this process');
  }

  #wait(call: string, options: WaitOptions | undefined, timedOut: () => Error): Wait {
    const { timeout, signal } = waitOptions(call, options);
    signal?.throwIfAborted();
    return { timeout, signal, timedOut, owner: this };
  }
}

/** The records from `first` on, as many as one commit takes. */
function gather(records: readonly Uint8Array[], first: number) {
  const lengths = new Uint32Array(2 * MOST_PER_BATCH);
  let count = 0;
  let used = 0;
  for (const bytes of records.slice(first, first + MOST_PER_BATCH)) {
    if (count > 0 && used + bytes.length > GATHERED_BYTES) break;
    lengths[2 * count++] = bytes.length;
    used += align(bytes.length);
  }
  const data = Buffer.allocUnsafe(used);
  let offset = 0;
  for (const bytes of records.slice(first, first + count)) {
    if (bytes.length > 0) data.set(bytes, offset); // one that was detached is empty, and refuses
    offset += align(bytes.length);
  }
  return { data, lengths, count };
}

function full(): FullError {
  return new FullError(
    'expected room in the ring within the given time, but it stayed full; wait longer, or let a reader read',
  );
}

function empty(): EmptyError {
  return new EmptyError('expected a record in the ring within the given time, but it stayed empty');
}

registerHandleType('Ring', (share) => new Ring(new Opened(backend.openChannel(share, take)) as RingOptions));
