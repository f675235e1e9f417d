export interface AbortSignalEventTarget {
  addEventListener: (name: 'abort', listener: () => void, options?: { once: boolean }) => void;
  removeEventListener: (name: 'abort', listener: () => void) => void;
  aborted?: boolean;
  reason?: unknown;
}

export interface AbortSignalEventEmitter {
  off: (name: 'abort', listener: () => void) => void;
  once: (name: 'abort', listener: () => void) => void;
}

export type AbortSignalAny = AbortSignalEventTarget | AbortSignalEventEmitter;

export class AbortError extends Error {
  constructor(reason?: unknown) {
    super('The task has been aborted', { cause: reason });
  }

  override get name(): string {
    return 'AbortError';
  }
}

/** Acts when the signal is aborted; returns what calls it off. */
export function onAbort(signal: AbortSignalAny, act: () => void): () => void {
  if ('addEventListener' in signal) {
    signal.addEventListener('abort', act, { once: true });
    return () => {
      signal.removeEventListener('abort', act);
    };
  }
  signal.once('abort', act);
  return () => {
    signal.off('abort', act);
  };
}
