import { after } from './timer';

/** Whether the promise has settled within the time; rejects with the reason of the signal, never with that of the promise. */
export function settlesWithin(
  promise: Promise<unknown>,
  { timeout, signal }: { readonly timeout: number; readonly signal: AbortSignal | undefined },
): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      act();
    };
    const onAbort = () => {
      settle(() => {
        reject(signal?.reason as Error);
      });
    };
    const timer = after(timeout, () => {
      settle(() => {
        resolve(false);
      });
    });
    signal?.addEventListener('abort', onAbort, { once: true });
    const onSettled = () => {
      settle(() => {
        resolve(true);
      });
    };
    promise.then(onSettled, onSettled);
  });
}
