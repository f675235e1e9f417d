import { backend } from './backend';
import type { Wait } from './backend/backend';
import { within } from './within';

/** What can be waited for without taking anything. */
export interface Readiness {
  readable(): boolean;
  whenReadable(listener: () => void): () => void;
}

/** Marks what {@link wait} takes. */
export const READINESS: unique symbol = Symbol('readiness');

/** What {@link wait} takes. */
export interface Waitable {
  /** @internal */
  [READINESS](): Readiness;
}

/** Whether it has become readable within the time. */
export function untilReadable(source: Readiness, limits: Omit<Wait, 'owner'>): Promise<boolean> {
  const look = () => source.readable();
  if (limits.timeout <= 0) return Promise.resolve(look());
  return within(limits, look, (resolve) =>
    source.whenReadable(() => {
      resolve(true);
    }),
  );
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
