import { forkGeneration } from './forked';

/** Node's timers hold 31 bits of milliseconds; what is longer would fire at once. */
const LONGEST = 2 ** 31 - 1;

/**
 * Acts once, after `ms` milliseconds, at most 24.8 days; never for Infinity, nor in a child that is forked meanwhile.
 * `clearTimeout` takes back either.
 */
export function after(ms: number, act: () => void): NodeJS.Timeout | undefined {
  if (ms === Infinity) return undefined;
  const set = forkGeneration();
  return setTimeout(
    () => {
      if (set === forkGeneration()) act();
    },
    Math.min(ms, LONGEST),
  );
}
