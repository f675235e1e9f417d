import { constants } from 'node:buffer';
import { isMainThread } from 'node:worker_threads';
import { backend } from '../backend';
import type { Memory, MemoryRequest } from '../backend/backend';
import { isChild } from '../current';
import { ClosedError } from '../errors';
import { registerHandleType, type HandleDescription, type Transferable } from '../handles';
import { HANDLE, registerSharedBuffer } from '../serializer';
import { describeView } from './views';

/** What the bytes of a block are to the classes that share this file. */
export const Kind = { Memory: 0, Numbers: 1, List: 2 } as const;

/** The most bytes that one ArrayBuffer may have. */
export const MOST_BYTES = constants.MAX_LENGTH;

/** Shared memory with all that this process has of it: several objects and any number of views. */
export class SharedBlock implements Transferable {
  readonly #memory: Memory;
  readonly #name: string | undefined;
  #open = true;

  static create(bytes: number, request: MemoryRequest): SharedBlock {
    return new SharedBlock(backend.createMemory(bytes, request), request.name);
  }

  static find(name: string, request: MemoryRequest): SharedBlock {
    return new SharedBlock(backend.findMemory(name, request), name);
  }

  constructor(memory: Memory, name: string | undefined) {
    this.#memory = memory;
    this.#name = name;
    registerSharedBuffer(memory.buffer, (view) => describeView(view, this));
  }

  get buffer(): ArrayBuffer {
    return this.#memory.buffer;
  }

  get kind(): number {
    return this.#memory.kind;
  }

  get name(): string | undefined {
    return this.#name;
  }

  get isOpen(): boolean {
    return this.#open;
  }

  /** @param what names the object in the error, e.g. 'SharedArray' */
  use(what: string): Memory {
    if (!this.#open) {
      throw new ClosedError(`expected an open ${what}, but this one was closed in this process`);
    }
    return this.#memory;
  }

  unlink(): void {
    this.#memory.unlink();
  }

  close(): void {
    this.#open = false;
    this.#memory.close();
  }

  [HANDLE](): HandleDescription {
    return {
      type: 'SharedBlock',
      share: this.use('shared memory').share(),
      details: this.#name === undefined ? {} : { name: this.#name },
    };
  }
}

registerHandleType('SharedBlock', (share, { name }) => {
  const known = typeof name === 'string' ? name : undefined;
  return new SharedBlock(backend.openMemory(share, known), known);
});

// The start of a program, not of its children: a program may close a name and leave it to a child to open it.
if (isMainThread && !isChild()) backend.removeUnusedNames();
