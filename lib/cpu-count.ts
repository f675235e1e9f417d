import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

const V1 = '/sys/fs/cgroup/cpu/cpu.cfs';

/** How many CPUs this process may use: the affinity mask, further limited by the cgroup's quota. At least 1. */
export function cpuCount(): number {
  return Math.max(1, Math.min(availableParallelism(), cgroupQuota(process.platform)));
}

/** The quota in CPUs; Infinity where there is none. */
export function cgroupQuota(platform: string, contentOf: (path: string) => string = read): number {
  if (platform !== 'linux') return Infinity;
  const [quota = NaN, period = NaN] = contentOf('/sys/fs/cgroup/cpu.max').split(' ').map(Number);
  const limit =
    quota > 0 ? quota / period : Number(contentOf(`${V1}_quota_us`)) / Number(contentOf(`${V1}_period_us`));
  return limit > 0 ? Math.ceil(limit) : Infinity;
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8').trim();
  } catch {
    return '';
  }
}
