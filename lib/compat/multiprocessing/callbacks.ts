import type { AsyncResult } from '../../pool/async-result';
import { isGiven } from './keywords';

type Native = Pick<AsyncResult<unknown>, 'ready' | 'successful' | 'getSync' | 'then'>;

interface Pending {
  readonly result: Native;
  readonly callback: ((value: never) => unknown) | null | undefined;
  readonly errorCallback: ((error: unknown) => unknown) | null | undefined;
}

/**
 * Callbacks of results. Python calls them in a thread, before the result is ready for others; here they are called on the
 * program's own: when it waits for anything of the pool, or when the event loop comes round. Each once.
 */
export class Callbacks {
  readonly #pending = new Set<Pending>();

  add(result: Native, callback: Pending['callback'], errorCallback: Pending['errorCallback']): void {
    if (!isGiven(callback) && !isGiven(errorCallback)) return;
    this.#pending.add({ result, callback, errorCallback });
    const look = () => {
      this.deliver();
    };
    result.then(look, look);
  }

  /** Of all results that are ready, in the order of the calls. */
  deliver(): void {
    for (const pending of [...this.#pending]) {
      const { result, callback, errorCallback } = pending;
      if (!result.ready() || !this.#pending.delete(pending)) continue;
      try {
        if (result.successful()) callback?.(result.getSync() as never);
        else errorCallback?.(errorOf(result));
      } catch (error) {
        queueMicrotask(() => {
          throw error; // the caller's fault, and no concern of whoever waits
        });
      }
    }
  }
}

function errorOf(result: Native): unknown {
  try {
    result.getSync();
  } catch (error) {
    return error;
  }
  return undefined;
}
