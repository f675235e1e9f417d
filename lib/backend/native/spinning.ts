import { cpuCount } from '../../cpu-count';

/** How long (µs) who waits spins at most before it sleeps, while that pays. Twice a wake-up of the slower kind. */
export const DEFAULT_SPIN = 60;

/** What the environment allows, in µs: FORKFUL_SPIN, and nothing with a single CPU, where it could never pay. */
export function spinLimit(setting: string | undefined, cpus: () => number = cpuCount): number {
  const wanted = setting === undefined || setting === '' ? DEFAULT_SPIN : Number(setting);
  if (!(wanted >= 0 && wanted <= 1e6)) {
    process.emitWarning(
      `expected FORKFUL_SPIN to be the µs that waiting processes may spin, 0 to 1000000, got ${JSON.stringify(setting)}; it is ignored`,
      { type: 'ForkfulWarning', code: 'FORKFUL_SPIN' },
    );
    return spinLimit(undefined, cpus);
  }
  return wanted > 0 && cpus() > 1 ? wanted : 0;
}

let most: number | undefined;

/** Looks again and again, until it finds something, for as long as that may pay. */
export function spin<T>(look: () => T | undefined): T | undefined {
  most ??= spinLimit(process.env['FORKFUL_SPIN']);
  if (most === 0) return undefined;
  const end = performance.now() + most / 1000;
  do {
    for (let i = 0; i < 32; i++) {
      const found = look();
      if (found !== undefined) return found;
    }
  } while (performance.now() < end);
  return undefined;
}
