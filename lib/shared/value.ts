import '../dispose';
import { ClosedError } from '../errors';
import { registerHandleType, type HandleDescription, type Transferable } from '../handles';
import { callback, record, type SyncWaitOptions } from '../options';
import { HANDLE } from '../serializer';
import { Kind, SharedBlock } from './block';
import { CONSTRUCTORS, element, elementType, type ElementOf, type ElementType } from './element-types';
import { Exclusion, lockOption, type LockLike, type SharedDataOptions } from './lock';

/** What a value of another process brings with it; not for users. */
class Opened {
  constructor(
    readonly block: SharedBlock,
    readonly lock: boolean | LockLike,
  ) {}
}

/**
 * One number in shared memory: `const hits = new Value('int32'); hits.update((n) => n + 1)`. Pass it as an argument of a
 * {@link Process} or of a pool's initializer. It is never seen half-written, whoever is killed while writing.
 */
export class Value<T extends ElementType = ElementType> implements Transferable {
  /** What the number is. */
  readonly type: T;
  readonly #view: (number | bigint | undefined)[];
  readonly #exclusion: Exclusion;

  /**
   * @param type 'int8' … 'float64', 'bigint64', 'biguint64'; numbers are converted as typed arrays do
   * @param init @default 0
   * @throws InvalidArgumentError for another type, or an `init` that is no number
   * @throws MemoryError if there is no memory for it
   * @throws UnsupportedError without the addon
   */
  constructor(type: T, init?: ElementOf<T>, options?: SharedDataOptions) {
    const opened = options instanceof Opened ? options : undefined;
    this.type = elementType('Value argument "type"', type) as T;
    const first = init === undefined ? undefined : element('Value argument "init"', type, init);
    const lock =
      opened?.lock ?? lockOption('Value option "lock"', record('Value options', options, ['lock']).lock);
    const Class = CONSTRUCTORS[type];
    const block =
      opened?.block ?? SharedBlock.create(Class.BYTES_PER_ELEMENT, { what: 'a Value', kind: Kind.Numbers });
    this.#view = new Class(block.buffer) as never;
    this.#exclusion = new Exclusion('Value', block, lock);
    if (first !== undefined) this.#view[0] = first;
  }

  /**
   * The number. With the default lock, setting it waits while another process is in {@link update}. With a lock of yours
   * it does not: hold that around what belongs together.
   * @throws ClosedError
   */
  get value(): ElementOf<T> {
    const value = this.#view[0];
    // Every element of a detached array is undefined.
    if (value === undefined) {
      throw new ClosedError('expected an open Value, but this one was closed in this process');
    }
    return value;
  }

  /** @throws InvalidArgumentError for what is not of the type; ClosedError */
  set value(value: ElementOf<T>) {
    const checked = element('Value.value', this.type, value);
    const store = () => {
      this.#view[0] = checked;
    };
    if (this.#exclusion.lock === true) this.#exclusion.run('value', store, undefined);
    else {
      this.#exclusion.block.use('Value');
      store();
    }
  }

  /** What guards it: the lock that was given, true for its own, false for none. */
  get lock(): boolean | LockLike {
    return this.#exclusion.lock;
  }

  /**
   * Sets the value to what `fn` makes of it, and gives that; no other update, of whatever process, comes in between. `fn`
   * runs once, must be synchronous, and may use this value again. Blocks the thread while another process updates. If it
   * throws, or its process is killed, the value is as before, and the next one may go on.
   * @param options `timeout` in ms to wait for the others. @default Infinity
   * @throws TimeoutError if others were not done within `timeout`
   * @throws InvalidArgumentError if `fn` gives no number
   * @throws InvalidStateError if made with `{ lock: false }`
   */
  update(fn: (value: ElementOf<T>) => ElementOf<T>, options?: SyncWaitOptions): ElementOf<T> {
    callback('update argument "fn"', fn);
    return this.#exclusion.run(
      'update',
      () => {
        const next = element('what update(fn) stores', this.type, fn(this.value));
        this.#view[0] = next;
        return next;
      },
      options,
    );
  }

  /** Gives up this process's use of it; others go on. Idempotent. */
  close(): void {
    this.#exclusion.block.close();
  }

  /** Calls {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  [HANDLE](): HandleDescription {
    const { block, lock, parts } = this.#exclusion;
    return {
      type: 'Value',
      parts: [block, ...parts],
      details: { type: this.type, lock: lock === true },
    };
  }
}

registerHandleType('Value', (_share, { type, lock }, [block, given]) => {
  const opened = new Opened(block as SharedBlock, (given as LockLike | undefined) ?? lock === true);
  return new Value(type as ElementType, undefined, opened);
});
