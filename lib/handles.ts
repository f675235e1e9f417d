import type { Backend, Message, Share } from './backend/backend';
import { SerializationError } from './errors';
import { HANDLE, type HandleSink, type HandleSource, type Reader, type Writer } from './serializer';

/** What an object that travels as a handle says of itself. */
export interface HandleDescription {
  /** Which class opens it again. */
  readonly type: string;
  readonly share?: Share;
  /** Objects that go along: they arrive once, however many refer to them. */
  readonly parts?: readonly Transferable[];
  /** Plain data beside the share. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** An object that another process can open too. */
export interface Transferable {
  [HANDLE](): HandleDescription;
}

type Details = Readonly<Record<string, unknown>>;

/** Makes the object of what came of it. */
type Open = (share: Share, details: Details, parts: readonly unknown[]) => object;

const openers = new Map<string, Open>();

/** Called once by each class whose objects travel. */
export function registerHandleType(type: string, open: Open): void {
  openers.set(type, open);
}

const families = new Map<string, () => void>();

/**
 * Types named `family.Type` whose module is loaded when the first of them arrives: it registers them. For objects that
 * most programs never see.
 */
export function registerHandleFamily(family: string, load: () => void): void {
  families.set(family, load);
}

function openerOf(type: string): Open | undefined {
  if (!openers.has(type)) families.get(type.slice(0, type.indexOf('.')))?.();
  return openers.get(type);
}

const incomplete = new Set<Promise<unknown>>();

/** Something that an object which has come from elsewhere still loads; a failure is for the object to tell. */
export function completion(loading: Promise<unknown>): void {
  incomplete.add(loading);
  const done = () => incomplete.delete(loading);
  loading.then(done, done);
}

/** Resolves when all that has come so far is complete. */
export async function whenComplete(): Promise<void> {
  if (incomplete.size > 0) await Promise.allSettled(incomplete);
}

/** How a handle is written down; its descriptors travel apart. */
export interface HandleRecord {
  readonly type: string;
  readonly kind: Share['kind'];
  readonly key: number;
  readonly descriptors: number;
  /** Where among the records its parts are. */
  readonly parts: readonly number[];
  readonly details: Details;
}

const LOST =
  'expected a message with its handles, but they did not come with it; was it sent by something else than this library?';

/** Stands for the share of an object that has none of its own. */
const NO_SHARE: Share = { kind: 'none', key: 0, descriptors: [] };

/** The handles found in one message, in order. */
export class HandleCollector implements HandleSink {
  readonly shares: Share[] = [];
  readonly records: HandleRecord[] = [];
  readonly #known = new Map<object, number>();

  add(owner: object): number {
    const known = this.#known.get(owner);
    if (known !== undefined) return known;
    const { type, share = NO_SHARE, details, parts = [] } = (owner as Transferable)[HANDLE]();
    const places = parts.map((part) => this.add(part));
    this.shares.push(share);
    const { kind, key, descriptors } = share;
    const record = { type, kind, key, descriptors: descriptors.length, parts: places, details };
    const index = this.records.push(record) - 1;
    this.#known.set(owner, index);
    return index;
  }
}

/** A collector that is made when it is needed: few messages have handles. */
export class LazyCollector implements HandleSink {
  #collector: HandleCollector | undefined;

  add(owner: object): number {
    return (this.#collector ??= new HandleCollector()).add(owner);
  }

  /** What was found since the last call, if anything. */
  take(): HandleCollector | undefined {
    const collector = this.#collector;
    this.#collector = undefined;
    return collector;
  }
}

/** Writes behind a message what {@link readHandles} reads. Returns the rights that go along. */
export function appendHandles(writer: Writer, { records, shares }: HandleCollector): readonly Share[] {
  const table = writer.length;
  writer.value(records).u32(table);
  return shares;
}

const TABLE_OFFSET_BYTES = 4;

/** Takes over the rights that came with the message. @throws SerializationError if they are not what it says */
export function readHandles(
  { buffer, start, end, descriptors }: Pick<Message, 'buffer' | 'start' | 'end' | 'descriptors'>,
  reader: Reader,
  backend: Pick<Backend, 'discard'>,
): HandleOpener {
  try {
    const last = end - TABLE_OFFSET_BYTES;
    const table = start + reader.reset(buffer, Math.max(start, last), end).u32();
    const records = reader.reset(buffer, table, last).value() as readonly HandleRecord[];
    return new HandleOpener(records, descriptors, backend, table);
  } catch (error) {
    backend.discard({ ...NO_SHARE, descriptors });
    throw error;
  }
}

/** Opens the handles of one received message. */
export class HandleOpener implements HandleSource {
  readonly #records: readonly HandleRecord[];
  readonly #descriptors: readonly number[];
  readonly #backend: Pick<Backend, 'discard'> | undefined;
  readonly #opened = new Map<number, object | undefined>();
  /** Where the table of the handles begins in the message. */
  readonly table: number;

  constructor(
    records: readonly HandleRecord[],
    descriptors: readonly number[],
    backend?: Pick<Backend, 'discard'>,
    table = 0,
  ) {
    this.#records = records;
    this.#descriptors = descriptors;
    this.#backend = backend;
    this.table = table;
  }

  take(index: number): unknown {
    const opened = this.#opened.get(index);
    if (opened !== undefined) return opened;
    const record = this.#records[index];
    const open = record && openerOf(record.type);
    if (record === undefined || open === undefined) return undefined;
    const parts = record.parts.map((part) => this.take(part));
    this.#opened.set(index, undefined); // whatever becomes of it, its rights are not ours any more
    const object = open(this.#share(record, index), record.details, parts);
    this.#opened.set(index, object);
    return object;
  }

  /** Gives up what nobody has taken. */
  close(): void {
    if (this.#opened.size === this.#records.length) return;
    for (const [index, record] of this.#records.entries())
      if (!this.#opened.has(index)) this.#backend?.discard(this.#share(record, index));
  }

  #share({ kind, key, descriptors: count }: HandleRecord, index: number): Share {
    let first = 0;
    for (const { descriptors } of this.#records.slice(0, index)) first += descriptors;
    const descriptors = this.#descriptors.slice(first, first + count);
    if (descriptors.length < count) throw new SerializationError(LOST);
    return { kind, key, descriptors };
  }
}
