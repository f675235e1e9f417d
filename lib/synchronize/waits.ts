import type { Wait } from '../backend/backend';
import { waitOptions, type WaitOptions } from '../options';

/** The seam's form of what waits here; these waits tell their end by false. */
export function waitOf(call: string, options: WaitOptions | undefined, owner: object): Wait {
  const { timeout, signal } = waitOptions(call, options);
  signal?.throwIfAborted();
  return { timeout, signal, timedOut: () => new Error(), owner };
}
