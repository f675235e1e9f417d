import type { Share } from './backend/backend';
import { HANDLE, type HandleSink, type HandleSource } from './serializer';

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

/** Opens the handles of one received message. */
export class HandleOpener implements HandleSource {
  readonly #records: readonly HandleRecord[];
  readonly #descriptors: readonly number[];
  readonly #opened = new Map<number, object>();

  constructor(records: readonly HandleRecord[], descriptors: readonly number[]) {
    this.#records = records;
    this.#descriptors = descriptors;
  }

  take(index: number): unknown {
    const opened = this.#opened.get(index);
    if (opened !== undefined) return opened;
    const record = this.#records[index];
    const open = record && openers.get(record.type);
    if (record === undefined || open === undefined) return undefined;
    const parts = record.parts.map((part) => this.take(part));
    let first = 0;
    for (const { descriptors } of this.#records.slice(0, index)) first += descriptors;
    const descriptors = this.#descriptors.slice(first, first + record.descriptors);
    const object = open({ kind: record.kind, key: record.key, descriptors }, record.details, parts);
    this.#opened.set(index, object);
    return object;
  }
}
