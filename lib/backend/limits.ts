import { after } from '../timer';
import type { Wait } from './backend';

/** One wait among those of an object, and what may end it from outside: its time limit and its signal. */
export class Limited {
  settled = false;
  timer: NodeJS.Timeout | undefined = undefined;
  stopListening: (() => void) | undefined = undefined;
}

/** Calls `drop` with the error when the time is over or the signal aborts. */
export function limit(
  entry: Limited,
  { timeout, signal, timedOut }: Wait,
  drop: (error: unknown) => void,
): void {
  entry.timer = after(timeout, () => {
    drop(timedOut());
  });
  if (signal === undefined) return;
  const onAbort = () => {
    drop(signal.reason);
  };
  signal.addEventListener('abort', onAbort, { once: true });
  entry.stopListening = () => {
    signal.removeEventListener('abort', onAbort);
  };
}

/** It is over: nothing ends it any more. */
export function settle(entry: Limited): void {
  entry.settled = true;
  if (entry.timer !== undefined) clearTimeout(entry.timer);
  entry.stopListening?.();
}
