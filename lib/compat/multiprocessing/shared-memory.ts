import { ShareableList as NativeList, type ShareableItem } from '../../shared/list';
import { SharedMemory as Native } from '../../shared/memory';
import { isGiven } from './keywords';
import { travels, Wrapped } from './wrapped';

/** Python's keyword arguments of `SharedMemory`. */
export interface SharedMemoryKeywords {
  readonly name?: string | null;
  readonly create?: boolean;
  readonly size?: number;
}

/** Python's `multiprocessing.shared_memory.SharedMemory`. */
export class SharedMemory extends Wrapped<Native> {
  constructor({ name, create = false, size = 0 }: SharedMemoryKeywords = {}) {
    super(new Native({ ...(create ? { create, size } : { create }), ...(isGiven(name) && { name }) }));
  }

  /** The bytes, over the shared memory itself. */
  get buf(): Uint8Array {
    return new Uint8Array(this.native.buffer);
  }

  /** null for memory that was made without one: send the object instead. */
  get name(): string | null {
    return this.native.name ?? null;
  }

  get size(): number {
    return this.native.size;
  }

  close(): void {
    this.native.close();
  }

  unlink(): void {
    this.native.unlink();
  }
}

export { NativeList as ShareableList, type ShareableItem };

travels(SharedMemory);
