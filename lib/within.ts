import { after } from './timer';

/**
 * A wait that its time or its signal may end. `begin` starts listening and returns what calls that off, which happens in
 * any case, once and before the promise settles.
 * @param late what it resolves with when the time (ms) is over; an aborted signal rejects with its reason
 */
export function within<T>(
  { timeout, signal }: { readonly timeout: number; readonly signal: AbortSignal | undefined },
  late: () => T,
  begin: (resolve: (value: T) => void, reject: (error: unknown) => void) => () => void,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const wait: { isOver: boolean; callOff?: () => void } = { isOver: false };
    const settle = (act: () => void) => {
      if (wait.isOver) return;
      wait.isOver = true;
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      wait.callOff?.();
      act();
    };
    const fail = (error: unknown) => {
      settle(() => {
        reject(error);
      });
    };
    const onAbort = () => {
      fail(signal?.reason);
    };
    const timer = after(timeout, () => {
      settle(() => {
        resolve(late());
      });
    });
    signal?.addEventListener('abort', onAbort, { once: true });
    const callOff = begin((value) => {
      settle(() => {
        resolve(value);
      });
    }, fail);
    if (wait.isOver) callOff();
    else wait.callOff = callOff;
  });
}
