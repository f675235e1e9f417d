import { ClosedError } from '../../errors';
import type { Memory, MemoryRequest, Share } from '../backend';
import { addon, type NativeBlock } from './addon';
import { memoryFailure } from './memory-failure';
import { slice } from './reactor';

/** A mapped block. The addon gives it back when this and its buffer are collected, or when their thread ends. */
export class NativeMemory implements Memory {
  readonly buffer: ArrayBuffer;
  readonly kind: number;
  readonly #block: NativeBlock;
  readonly #file: string | undefined;
  #open = true;

  /**
   * Takes over the descriptor.
   * @param isKept whether the name goes with who has the descriptor, see names.ts
   */
  constructor(descriptor: number, file?: string, isKept = false) {
    this.#block = new addon.Block(descriptor, isKept);
    this.#file = file;
    this.kind = this.#block.kind();
    this.buffer = this.#block.buffer();
  }

  run(act: (ownerDied: boolean) => void, timeout: number): boolean {
    const end = performance.now() + timeout;
    for (let left = timeout; ; left = Math.max(0, end - performance.now())) {
      if (this.#block.run(act, slice(left))) return true;
      if (left <= 0) return false;
    }
  }

  /** Who watches its file hears of it. */
  ring(): void {
    this.#block.ring();
  }

  share(): Share {
    if (!this.#open) throw new ClosedError('expected open shared memory to pass on, but it is closed');
    return { kind: 'memory', key: 0, descriptors: [this.#block.descriptor()] };
  }

  unlink(): void {
    if (this.#file !== undefined) this.#block.removeName(this.#file);
  }

  close(): void {
    this.#open = false;
    this.#block.close(this.buffer);
  }
}

/** Locks and queues of the same name are something else. */
const fileOf = (name: string) => `memory.${name}`;

function attempt(request: MemoryRequest, bytes: number, act: () => NativeMemory): NativeMemory {
  try {
    return act();
  } catch (error) {
    throw memoryFailure(error as NodeJS.ErrnoException, request, bytes);
  }
}

export function createMemory(bytes: number, request: MemoryRequest): NativeMemory {
  const { kind, name } = request;
  return attempt(request, bytes, () => {
    if (name === undefined) return new NativeMemory(addon.createBlock(bytes, kind));
    return new NativeMemory(addon.createNamedBlock(bytes, kind, fileOf(name)), fileOf(name));
  });
}

export function findMemory(name: string, request: MemoryRequest): Memory {
  const open = () => new NativeMemory(addon.openNamedFile(fileOf(name)), fileOf(name));
  return attempt({ ...request, name }, 0, open);
}

export function openMemory(share: Share, name?: string): Memory {
  const [descriptor = -1] = share.descriptors;
  const open = () => new NativeMemory(descriptor, name === undefined ? undefined : fileOf(name));
  return attempt({ what: 'shared memory', kind: 0 }, 0, open);
}
