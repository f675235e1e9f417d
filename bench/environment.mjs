import { execFileSync } from 'node:child_process';
import { accessSync, existsSync, readFileSync } from 'node:fs';
import { cpus, release, totalmem } from 'node:os';
import { delimiter, join } from 'node:path';

/** Whether this is the project itself, not the package that npm installs. */
export const isCheckout = existsSync(new URL('../binding.gyp', import.meta.url));

/** What others set for reasons of their own, and what would change every measured process. */
const DISTURBING = [
  'NODE_EXTRA_CA_CERTS',
  'NODE_OPTIONS',
  'NODE_V8_COVERAGE',
  'NODE_DEBUG',
  'UV_THREADPOOL_SIZE',
];

export function cleanEnvironment(environment = process.env) {
  return Object.fromEntries(
    Object.entries(environment).filter(([name]) => !DISTURBING.includes(name) && !name.startsWith('npm_')),
  );
}

export function isOnPath(command) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => {
    try {
      accessSync(join(folder, command));
      return true;
    } catch {
      return false;
    }
  });
}

const allowedCpus = () => /^Cpus_allowed_list:\s*(.*)$/m.exec(readFileSync('/proc/self/status', 'utf8'))[1];

/** The first two CPUs that this process may use; "0-2,5" is how the kernel writes four. */
export function usableCpus(list = allowedCpus()) {
  return list
    .split(',')
    .flatMap((range) => {
      const [from, to = from] = range.split('-').map(Number);
      return to > from ? [from, from + 1] : [from];
    })
    .slice(0, 2);
}

/** Moves the calling process's main thread; what it starts later begins there. */
export function pinSelf(cpu) {
  pin(process.pid, cpu);
}

export function pin(pid, cpu) {
  execFileSync('taskset', ['-pc', String(cpu), String(pid)], { stdio: 'ignore' });
}

export function describeMachine() {
  return {
    cpu: cpus()[0]?.model ?? 'unknown',
    cpus: cpus().length,
    memoryGB: Math.round(totalmem() / 1e9),
    kernel: release(),
    node: process.version,
    date: new Date().toISOString(),
  };
}
