import type { Decode, Message } from '../backend';
import { Status, WITH_PARCEL, addon, scratch } from './addon';
import { arrived } from './shares';

const SLAB_BYTES = 64 * 1024;
const LEAST_ROOM = 4 * 1024;

const NONE: readonly number[] = [];

/**
 * Where messages land: a slab that JavaScript owns. A decoder that keeps the bytes gets a view of the slab, and the
 * slab moves on; else the same place serves the next message. One per thread; decoders must not receive.
 */
class Inbox implements Message {
  tag = 0;
  buffer: Buffer = Buffer.allocUnsafeSlow(SLAB_BYTES);
  start = 0;
  end = 0;
  isAlone = false;
  descriptors: readonly number[] = NONE;
  #slab = this.buffer;
  #offset = 0;

  constructor() {
    addon.useSlab(this.#slab);
  }

  keep(): void {
    if (this.buffer === this.#slab) this.#offset = (this.end + 7) & ~7;
  }

  /** Takes one message; after Ok it is this object's content. */
  take(ring: number, timeout: number): number {
    for (;;) {
      // A slab without memory has no length: the program has transferred a view's buffer.
      if (this.#slab.length - this.#offset < LEAST_ROOM) this.#renew();
      let status =
        timeout === 0 ? addon.tryGet(ring, this.#offset, 1) : addon.getSync(ring, this.#offset, timeout);
      if (status === Status.Ok) {
        this.#point(this.#slab, 1, this.#offset);
        return status;
      }
      if (status !== Status.Short) return status;
      const needed = scratch[2] ?? 0;
      if (needed <= SLAB_BYTES / 2) {
        this.#renew();
        continue;
      }
      const own = Buffer.allocUnsafeSlow(needed);
      status = addon.tryGetLarge(ring, own);
      if (status === Status.Ok) {
        this.#point(own, 1, 0);
        this.isAlone = true;
        return status;
      }
      // Somebody else took it meanwhile, and a larger one may be next.
      if (status !== Status.Short && status !== Status.Empty) return status;
      if (status === Status.Empty && timeout === 0) return status;
    }
  }

  /** Takes up to `max` messages and hands each to the decoder. */
  takeMany<T>(ring: number, max: number, decode: Decode<T>, into: T[]): number {
    if (this.#slab.length - this.#offset < SLAB_BYTES / 2) this.#renew();
    const slab = this.#slab;
    const base = this.#offset;
    const status = addon.tryGet(ring, base, max);
    if (status === Status.Short) {
      const single = this.take(ring, 0);
      if (single === Status.Ok) into.push(decode(this));
      return single;
    }
    if (status !== Status.Ok) return status;
    const records = scratch.slice(0, 1 + 3 * (scratch[0] ?? 0)); // decoders may use the scratch array
    let kept = base;
    for (let i = 1; i < records.length; i += 3) {
      this.#pointAt(slab, records[i] ?? 0, base + (records[i + 2] ?? 0), records[i + 1] ?? 0);
      this.#offset = base;
      into.push(decode(this));
      if (this.#offset !== base) kept = this.#offset;
    }
    this.#offset = kept;
    return Status.Ok;
  }

  #point(buffer: Buffer, record: number, base: number): void {
    this.#pointAt(buffer, scratch[record] ?? 0, base + (scratch[record + 2] ?? 0), scratch[record + 1] ?? 0);
  }

  #pointAt(buffer: Buffer, tag: number, start: number, length: number): void {
    const isAlone = tag < WITH_PARCEL;
    this.tag = isAlone ? tag : tag - WITH_PARCEL;
    this.descriptors = isAlone ? NONE : arrived();
    this.buffer = buffer;
    this.isAlone = false;
    this.start = start;
    this.end = start + length;
  }

  #renew(): void {
    this.#slab = Buffer.allocUnsafeSlow(SLAB_BYTES);
    this.#offset = 0;
    addon.useSlab(this.#slab);
  }
}

export const inbox = new Inbox();
