/** Node's timers hold 31 bits of milliseconds; what is longer would fire at once. */
const LONGEST = 2 ** 31 - 1;

/** Acts once, after `ms` milliseconds, at most 24.8 days; never for Infinity. `clearTimeout` takes back either. */
export function after(ms: number, act: () => void): NodeJS.Timeout | undefined {
  return ms === Infinity ? undefined : setTimeout(act, Math.min(ms, LONGEST));
}
