import { AsyncLocalStorage } from 'node:async_hooks';
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';

/** Who this process is. Set once, by a child before it runs anything of the user's. */
export interface Identity {
  readonly name: string;
  readonly daemon: boolean;
  readonly worker: boolean;
  readonly parent: { readonly pid: number; readonly name: string } | undefined;
}

let identity: Identity = { name: 'MainProcess', daemon: false, worker: false, parent: undefined };

export function identify(as: Identity): void {
  identity = as;
}

export function currentIdentity(): Identity {
  return identity;
}

let child = false;

/** Called by a child's program before anything else of the library is loaded. */
export function becomeChild(): void {
  child = true;
}

export function isChild(): boolean {
  return child;
}

let children = 0;

/** `Process-3`; in a child of that, `Process-3:1`. */
export function nextName(): string {
  children++;
  return identity.parent === undefined ? `Process-${children}` : `${identity.name}:${children}`;
}

/** Set, in a child, for all that the import of the target's module starts. */
const importing = new AsyncLocalStorage<true>();

export function whileImporting<T>(load: () => Promise<T>): Promise<T> {
  return importing.run(true, load);
}

export function isImporting(): boolean {
  return importing.getStore() === true;
}

/** How many CPUs this process may use: the affinity mask, further limited by the cgroup's quota. At least 1. */
export function cpuCount(): number {
  const quota = process.platform === 'linux' ? cgroupQuota() : Infinity;
  return Math.max(1, Math.min(availableParallelism(), quota));
}

function cgroupQuota(): number {
  const read = (path: string): string => {
    try {
      return readFileSync(path, 'utf8').trim();
    } catch {
      return '';
    }
  };
  const [quota = NaN, period = NaN] = read('/sys/fs/cgroup/cpu.max').split(' ').map(Number);
  const v1 = '/sys/fs/cgroup/cpu/cpu.cfs';
  const limit = quota > 0 ? quota / period : Number(read(`${v1}_quota_us`)) / Number(read(`${v1}_period_us`));
  return limit > 0 ? Math.ceil(limit) : Infinity;
}
