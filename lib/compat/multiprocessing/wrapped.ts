import { registerHandleType, type HandleDescription, type Transferable } from '../../handles';
import { HANDLE } from '../../serializer';

const FAMILY = 'multiprocessing';

/** Python's names for an object of this library; sent to another process, it arrives under the same names. */
export abstract class Wrapped<T extends Transferable> implements Transferable {
  /** The object of `forkful` that does the work: whose API is asynchronous too, and takes milliseconds. */
  readonly native: T;

  /** @internal */
  constructor(native: T) {
    this.native = native;
  }

  /** @internal */
  [HANDLE](): HandleDescription {
    return { type: `${FAMILY}.${this.constructor.name}`, parts: [this.native], details: {} };
  }
}

/** The wrapper of an object that exists. Wrappers have no state but `native`. */
export function wrap<W extends { readonly native: object }>(
  Class: { readonly prototype: W },
  native: W['native'],
): W {
  return Object.assign(Object.create(Class.prototype) as W, { native });
}

/** Called once by each class of wrappers. */
export function travels<W extends { readonly native: object }>(Class: {
  readonly name: string;
  readonly prototype: W;
}): void {
  registerHandleType(`${FAMILY}.${Class.name}`, (_share, _details, [native]) =>
    wrap(Class, native as W['native']),
  );
}
