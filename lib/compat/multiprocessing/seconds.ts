import { invalid } from '../../options';

/** Seconds; null, Python's None, waits for ever, and so does leaving it out; what is negative polls. */
export type Seconds = number | null | undefined;

/** As the native API takes it. */
export function within(call: string, seconds: Seconds): { readonly timeout: number } {
  return { timeout: milliseconds(`${call} argument "timeout"`, seconds) };
}

/** Of a call that has Python's `block`, too: without it, it polls. */
export function blocking(call: string, block: boolean, seconds: Seconds): { readonly timeout: number } {
  const limit = within(call, seconds);
  return block ? limit : { timeout: 0 };
}

function milliseconds(name: string, seconds: unknown): number {
  if (seconds === null || seconds === undefined) return Infinity;
  if (typeof seconds === 'number' && !Number.isNaN(seconds)) return Math.max(0, seconds * 1000);
  throw invalid(name, 'a number of seconds, or null', seconds);
}
