import { backend } from './backend';
import type { Wait } from './backend/backend';
import { after } from './timer';

/** What can be waited for without taking anything. */
export interface Readiness {
  readable(): boolean;
  whenReadable(listener: () => void): () => void;
}

/** Marks what {@link wait} takes. */
export const READINESS: unique symbol = Symbol('readiness');

export interface Waitable {
  /** @internal */
  [READINESS](): Readiness;
}

/** Whether it has become readable within the time. */
export function untilReadable(source: Readiness, { timeout, signal }: Omit<Wait, 'owner'>): Promise<boolean> {
  if (timeout <= 0) return Promise.resolve(source.readable());
  return new Promise((resolve, reject) => {
    const settle = (act: () => void) => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      act();
    };
    const onAbort = () => {
      settle(() => {
        callOff();
        reject(signal?.reason as Error);
      });
    };
    const timer = after(timeout, () => {
      settle(() => {
        callOff();
        resolve(source.readable());
      });
    });
    signal?.addEventListener('abort', onAbort, { once: true });
    const callOff = source.whenReadable(() => {
      settle(() => {
        resolve(true);
      });
    });
  });
}

/** Like {@link untilReadable}, and blocks the thread meanwhile. */
export function untilReadableSync(source: Readiness, timeout: number): boolean {
  if (timeout <= 0) return source.readable();
  let readable = false;
  const callOff = source.whenReadable(() => {
    readable = true;
  });
  if (!backend.runUntil(() => readable, timeout)) callOff();
  return readable;
}
