import type { Message, Share } from '../backend';
import { viewOf, type Frame } from './frames';

/**
 * A message that carries rights has this bit in its tag, and begins with the names of the endpoints: u32 count, f64 each.
 * The rights themselves are handles that the message holds in the hub.
 */
const WITH_RIGHTS = 0x8000_0000;
const COUNT_BYTES = 4;
const NAME_BYTES = 8;

/** What the hub gets of a message. */
export interface Outgoing {
  readonly tag: number;
  readonly data: Uint8Array;
  readonly length: number;
  readonly start: number;
}

export function withRights(
  tag: number,
  data: Uint8Array,
  length: number,
  start: number,
  shares: readonly Share[] | undefined,
): Outgoing {
  if (shares === undefined) return { tag, data, length, start };
  const names = namesOf(shares);
  const prefix = COUNT_BYTES + NAME_BYTES * names.length;
  const bytes = new Uint8Array(prefix + length);
  const view = viewOf(bytes);
  view.setUint32(0, names.length, true);
  for (const [i, name] of names.entries()) view.setFloat64(COUNT_BYTES + NAME_BYTES * i, name, true);
  bytes.set(data.subarray(start, start + length), prefix);
  return { tag: tag + WITH_RIGHTS, data: bytes, length: bytes.length, start: 0 };
}

/** Some objects are only descriptions of others: they have no endpoint. */
export function namesOf(shares: readonly Share[]): number[] {
  return shares.filter(({ kind }) => kind !== 'none').map(({ key }) => key);
}

const NONE: readonly number[] = [];

/** The endpoints that a message on its way through the hub holds. */
export function rightsOf(tag: number, payload: Uint8Array): readonly number[] {
  if (tag < WITH_RIGHTS) return NONE;
  const view = viewOf(payload);
  const names: number[] = [];
  for (let i = view.getUint32(0, true); i > 0; i--)
    names.push(view.getFloat64(COUNT_BYTES + NAME_BYTES * names.length, true));
  return names;
}

/** A message as its decoder sees it. Its memory is nobody else's. */
export class ArrivedMessage implements Message {
  readonly tag: number;
  readonly buffer: Buffer;
  readonly start: number;
  readonly end: number;
  readonly descriptors = NONE;

  constructor({ tag, payload }: Pick<Frame, 'tag' | 'payload'>) {
    const plain = tag < WITH_RIGHTS;
    this.tag = plain ? tag : tag - WITH_RIGHTS;
    this.buffer = payload;
    this.start = plain ? 0 : COUNT_BYTES + NAME_BYTES * payload.readUInt32LE(0);
    this.end = payload.length;
  }

  keep(): void {
    // It stays as it is anyway.
  }
}
