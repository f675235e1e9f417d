import { ClosedError, UnsupportedError } from '../../errors';
import type { Share } from '../backend';
import { ADVICE, type Advice, type MappedPages, type MappingBackend } from '../mapping';
import { addon, type NativeMapping } from './addon';
import { memoryFailure } from './memory-failure';
import { slice } from './reactor';

function attempt<R>(bytes: number, act: () => R): R {
  try {
    return act();
  } catch (error) {
    throw memoryFailure(error as NodeJS.ErrnoException, { what: 'a Mapping', kind: 0 }, bytes);
  }
}

/** The addon gives it back when this and its buffer are collected, or when their thread ends. */
class NativePages implements MappedPages {
  readonly buffer: ArrayBuffer;
  readonly #mapping: NativeMapping;
  #open = true;

  /** Takes over the descriptor. */
  constructor(descriptor: number) {
    this.#mapping = new addon.Mapping(descriptor);
    this.buffer = this.#mapping.buffer();
  }

  populate(): void {
    attempt(this.buffer.byteLength, () => {
      this.#mapping.reserve();
    });
  }

  advise(offset: number, length: number, advice: Advice): void {
    try {
      this.#mapping.advise(offset, length, ADVICE.indexOf(advice));
    } catch (error) {
      throw new UnsupportedError(
        `expected a kernel that takes the advice '${advice}' for shared memory, but ${(error as Error).message}; ` +
          'leave it out here: it changes the speed only',
        { cause: error },
      );
    }
  }

  share(): Share {
    if (!this.#open) throw new ClosedError('expected an open Mapping to pass on, but it is closed');
    return { kind: 'memory', key: 0, descriptors: [this.#mapping.descriptor()] };
  }

  close(): void {
    this.#open = false;
    this.#mapping.close(this.buffer);
  }
}

export const mappings: MappingBackend = {
  createMapping: (bytes) => attempt(bytes, () => new NativePages(addon.createMapping(bytes))),
  openMapping: ({ descriptors: [descriptor = -1] }) => attempt(0, () => new NativePages(descriptor)),
  waitForWord: (word, expected, timeout) => addon.futexWait(word, expected, slice(timeout)),
  wakeWord: (word, most) => addon.futexWake(word, most),
};
