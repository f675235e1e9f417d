/** What Python's `with` takes. */
export interface ContextManager<T = unknown> {
  __enter__(): T;
  __exit__(): void;
}

/**
 * Python's `with`: `with_(lock, () => { … })`, `with_(new Pool(4), (pool) => …)`. Leaves as soon as `body` has returned or
 * thrown; `body` is synchronous.
 */
export function with_<T, R>(manager: ContextManager<T>, body: (entered: T) => R): R {
  const entered = manager.__enter__();
  try {
    return body(entered);
  } finally {
    manager.__exit__();
  }
}
