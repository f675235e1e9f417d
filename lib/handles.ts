import type { Share } from './backend/backend';
import { HANDLE, type HandleSink, type HandleSource } from './serializer';

/** What an object that travels as a handle says of itself. */
export interface HandleDescription {
  /** Which class opens it again. */
  readonly type: string;
  readonly share: Share;
  /** Plain data beside the share. */
  readonly details: Readonly<Record<string, unknown>>;
}

/** An object that another process can open too. */
export interface Transferable {
  [HANDLE](): HandleDescription;
}

type Open = (share: Share, details: Readonly<Record<string, unknown>>) => object;

const openers = new Map<string, Open>();

/** Called once by each class whose objects travel. */
export function registerHandleType(type: string, open: Open): void {
  openers.set(type, open);
}

/** How a handle is written down; its descriptors travel apart. */
export interface HandleRecord {
  readonly type: string;
  readonly kind: Share['kind'];
  readonly key: number;
  readonly descriptors: number;
  readonly details: Readonly<Record<string, unknown>>;
}

/** The handles found in one message, in order. */
export class HandleCollector implements HandleSink {
  readonly shares: Share[] = [];
  readonly records: HandleRecord[] = [];

  add(owner: object): number {
    const { type, share, details } = (owner as Transferable)[HANDLE]();
    this.shares.push(share);
    const { kind, key, descriptors } = share;
    return this.records.push({ type, kind, key, descriptors: descriptors.length, details }) - 1;
  }
}

/** Opens the handles of one received message. */
export class HandleOpener implements HandleSource {
  readonly #records: readonly HandleRecord[];
  readonly #descriptors: readonly number[];

  constructor(records: readonly HandleRecord[], descriptors: readonly number[]) {
    this.#records = records;
    this.#descriptors = descriptors;
  }

  take(index: number): unknown {
    const record = this.#records[index];
    const open = record && openers.get(record.type);
    if (record === undefined || open === undefined) return undefined;
    let first = 0;
    for (const { descriptors } of this.#records.slice(0, index)) first += descriptors;
    const descriptors = this.#descriptors.slice(first, first + record.descriptors);
    return open({ kind: record.kind, key: record.key, descriptors }, record.details);
  }
}
