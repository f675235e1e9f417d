import '../dispose';
import { backend } from '../backend';
import { ADVICE, type MappedPages } from '../backend/mapping';
import { ClosedError, InvalidArgumentError } from '../errors';
import { registerHandleType, type HandleDescription, type Transferable } from '../handles';
import { flag, integer, oneOf, record } from '../options';
import { HANDLE, registerSharedBuffer } from '../serializer';
import { MOST_BYTES } from '../shared/block';
import { describeView } from '../shared/views';

/** What {@link Mapping.advise} tells the kernel, as madvise(2) has it. */
export type Advice = (typeof ADVICE)[number];

/** How large a mapping is. */
export interface MappingOptions {
  /** In bytes, at least 1. */
  readonly size: number;
  /** Takes the memory of all pages now, as {@link Mapping.populate} does. @default false */
  readonly populate?: boolean;
}

/** A range of the mapping. */
export interface AdviceOptions {
  /** Where the range begins, in bytes. @default 0 */
  readonly offset?: number;
  /** In bytes. @default up to the end */
  readonly length?: number;
}

/** Memory of another process; given to the constructor in place of options. */
class Opened {
  constructor(readonly pages: MappedPages) {}
}

function create(options: unknown): MappedPages {
  const given = record('Mapping options', options, ['size', 'populate']);
  const size = integer('Mapping option "size"', given.size, 1, MOST_BYTES);
  const populate = given.populate !== undefined && flag('Mapping option "populate"', given.populate);
  const pages = backend.createMapping(size);
  if (!populate) return pages;
  try {
    pages.populate();
  } catch (error) {
    pages.close();
    throw error;
  }
  return pages;
}

/**
 * Shared pages, zero at first, with nothing of this library in them: a sealed memfd, mapped. They take memory when they
 * are touched; where the machine then has none the kernel ends a process, unless {@link populate} asked first. It passes
 * by handle, as views of its {@link buffer} do, and lives until all that have it have closed it or ended, however.
 */
export class Mapping implements Transferable {
  readonly #pages: MappedPages;
  readonly #bytes: Buffer;
  /** In bytes. */
  readonly size: number;
  #open = true;

  /**
   * Costs memfd_create, ftruncate, fcntl and mmap, and a descriptor until it is closed.
   * @throws InvalidArgumentError for a size that cannot be
   * @throws MemoryError if there are not enough addresses, or with `populate` not enough memory
   * @throws UnsupportedError without the addon
   */
  constructor(options: MappingOptions) {
    this.#pages = options instanceof Opened ? options.pages : create(options);
    const { buffer } = this.#pages;
    this.size = buffer.byteLength;
    this.#bytes = Buffer.from(buffer);
    registerSharedBuffer(buffer, (view) => describeView(view, this));
  }

  /** The bytes, from the beginning of a page. Detached by {@link close}. */
  get buffer(): ArrayBuffer {
    return this.#pages.buffer;
  }

  /** The same bytes, as a Buffer. Always the same one; empty after {@link close}. */
  get bytes(): Buffer {
    return this.#bytes;
  }

  /** Whether this process has closed it. */
  get closed(): boolean {
    return !this.#open;
  }

  /**
   * Takes the memory of all pages (fallocate) and maps them here (MADV_POPULATE_WRITE, from Linux 5.14 on), so that no
   * access in this process meets a page fault.
   * @throws MemoryError if the machine or the cgroup has not enough left
   * @throws ClosedError
   */
  populate(): void {
    this.#use().populate();
  }

  /**
   * madvise(2) for the pages that lie wholly in the range. 'remove' gives their memory back in all processes: they are
   * zeros again. 'hugepage' has an effect where /sys/kernel/mm/transparent_hugepage/shmem_enabled allows it.
   * @throws InvalidArgumentError for another advice, or a range that is not in the mapping
   * @throws UnsupportedError if this kernel does not know the advice
   * @throws ClosedError
   */
  advise(advice: Advice, options?: AdviceOptions): void {
    const pages = this.#use();
    const known = oneOf('advise argument "advice"', advice, ADVICE);
    const given = record('advise options', options, ['offset', 'length']);
    const offset = given.offset === undefined ? 0 : integer('advise option "offset"', given.offset, 0);
    if (offset > this.size) {
      throw new InvalidArgumentError(
        `advise option "offset" must be at most ${this.size}, the size of the Mapping, got ${offset}`,
      );
    }
    const rest = this.size - offset;
    const length =
      given.length === undefined ? rest : integer('advise option "length"', given.length, 0, rest);
    pages.advise(offset, length, known);
  }

  /**
   * Gives up this process's use of it; others go on. The buffer and all views of it are detached. Idempotent. Costs an
   * mmap over it, which gives the memory back.
   */
  close(): void {
    this.#open = false;
    this.#pages.close();
  }

  /** Calls {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  [HANDLE](): HandleDescription {
    return { type: 'Mapping', share: this.#use().share(), details: {} };
  }

  #use(): MappedPages {
    if (this.#open) return this.#pages;
    throw new ClosedError('expected an open Mapping, but this one was closed in this process');
  }
}

registerHandleType(
  'Mapping',
  (share) => new Mapping(new Opened(backend.openMapping(share)) as unknown as MappingOptions),
);
