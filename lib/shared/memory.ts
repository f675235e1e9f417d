import '../dispose';
import { InvalidArgumentError } from '../errors';
import { registerHandleType, type HandleDescription, type Transferable } from '../handles';
import { flag, integer, record } from '../options';
import { HANDLE } from '../serializer';
import { Kind, MOST_BYTES, SharedBlock } from './block';
import { sharedName } from '../shared-name';

/** Whether memory is made or found, and how large it is. */
export interface SharedMemoryOptions {
  /** true: new memory of `size` bytes; false: that of `name`, which somebody else has made. @default without a name true */
  readonly create?: boolean;
  /** Bytes of new memory, at least 1; of existing memory, how many there must be at least. */
  readonly size?: number;
  /** For other programs of this user. 1 to 200 bytes without `/`. @default none: it is passed on by handle */
  readonly name?: string;
}

/** What memory of another process brings with it; not for users. */
class Opened {
  constructor(readonly block: SharedBlock) {}
}

function blockFor(options: unknown): SharedBlock {
  if (options instanceof Opened) return options.block;
  const given = record('SharedMemory options', options, ['create', 'size', 'name']);
  const name = given.name === undefined ? undefined : sharedName('SharedMemory option "name"', given.name);
  const create =
    given.create === undefined ? name === undefined : flag('SharedMemory option "create"', given.create);
  if (create) {
    const size = integer('SharedMemory option "size"', given.size, 1, MOST_BYTES);
    const request = { what: 'SharedMemory', kind: Kind.Memory };
    return SharedBlock.create(size, name === undefined ? request : { ...request, name });
  }
  if (name === undefined) {
    throw new InvalidArgumentError(
      'SharedMemory option "name" is missing: say whose memory is wanted, or pass create: true and a size',
    );
  }
  const wanted =
    given.size === undefined ? 0 : integer('SharedMemory option "size"', given.size, 1, MOST_BYTES);
  const block = SharedBlock.find(name, { what: 'SharedMemory', kind: Kind.Memory });
  const { byteLength } = block.buffer;
  if (wanted <= byteLength) return block;
  block.close();
  throw new InvalidArgumentError(
    `SharedMemory option "size" must be at most ${byteLength}, which is what ${JSON.stringify(name)} has, got ${wanted}; ` +
      'leave it out to take what there is',
  );
}

/**
 * Bytes that several processes have: `new SharedMemory({ size })`, or by a name that unrelated programs of the same user
 * find. All of it is zeros at first, and real: no later access can find memory exhausted. It lives until all that have
 * it have closed it or ended, however; its name until {@link unlink}, or the next start of the library after nobody has
 * it any more.
 */
export class SharedMemory implements Transferable {
  readonly #block: SharedBlock;
  /** In bytes. */
  readonly size: number;

  /**
   * @throws InvalidArgumentError for a size or a name that cannot be
   * @throws MemoryError if there is not enough memory
   * @throws ExistsError if the name of new memory is in use
   * @throws NotFoundError if nobody has memory of this name
   * @throws UnsupportedError without the addon
   */
  constructor(options: SharedMemoryOptions) {
    this.#block = blockFor(options);
    this.size = this.#block.buffer.byteLength;
  }

  /** The bytes. Views of it are sent by handle, as this object is. Detached by {@link close}. */
  get buffer(): ArrayBuffer {
    return this.#block.buffer;
  }

  /** undefined for memory without one. */
  get name(): string | undefined {
    return this.#block.name;
  }

  /** Whether this process has closed it. */
  get closed(): boolean {
    return !this.#block.isOpen;
  }

  /** Takes the name away, if it still is this memory's; those who have the memory keep it. Nothing happens without one. */
  unlink(): void {
    this.#block.unlink();
  }

  /** Gives up this process's use of it; others go on. The buffer and all views of it are detached. Idempotent. */
  close(): void {
    this.#block.close();
  }

  /** Calls {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  [HANDLE](): HandleDescription {
    return { type: 'SharedMemory', parts: [this.#block], details: {} };
  }
}

registerHandleType(
  'SharedMemory',
  (_share, _details, [block]) => new SharedMemory(new Opened(block as SharedBlock) as SharedMemoryOptions),
);
