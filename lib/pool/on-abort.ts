const listeners = new WeakMap<AbortSignal, Set<() => void>>();

/**
 * Acts once when the signal is aborted; returns what calls it off. However many calls share a signal, it has one
 * listener: Node would warn of a leak at the eleventh.
 */
export function onAbort(signal: AbortSignal, act: () => void): () => void {
  let acts = listeners.get(signal);
  if (acts === undefined) {
    const own = new Set<() => void>();
    acts = own;
    listeners.set(signal, own);
    signal.addEventListener(
      'abort',
      () => {
        for (const each of [...own]) if (own.delete(each)) each();
      },
      { once: true },
    );
  }
  const all = acts.add(act);
  return () => all.delete(act);
}
