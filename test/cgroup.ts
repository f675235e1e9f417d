import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { until } from './contract/methods';

/** A group of processes that may have only so much memory. */
export interface MemoryGroup {
  /** Runs Node with these arguments in it; what it printed, and how it ended. */
  run(...args: string[]): { stdout: string; stderr: string; status: number | null; signal: string | null };
  /** How many of its processes the kernel has ended for want of memory. */
  oomKills(): number;
  remove(): Promise<void>;
}

interface Files {
  readonly limit: string;
  /** Also without swap, where there is any. */
  readonly swap: readonly [name: string, value: (bytes: number) => number];
  readonly events: string;
}

const V1: Files = {
  limit: 'memory.limit_in_bytes',
  swap: ['memory.memsw.limit_in_bytes', (bytes) => bytes],
  events: 'memory.oom_control',
};
const V2: Files = { limit: 'memory.max', swap: ['memory.swap.max', () => 0], events: 'memory.events' };

/** Where groups of this process may be: its own, and, as those of v2 must not have both processes and groups, above it. */
function* folders(): Generator<[string, Files]> {
  const lines = existsSync('/proc/self/cgroup') ? readFileSync('/proc/self/cgroup', 'utf8').split('\n') : [];
  for (const line of lines) {
    const [id, controllers = '', path = '/'] = line.split(':');
    const isV1 = controllers.split(',').includes('memory');
    if (!isV1 && id !== '0') continue;
    const mount = isV1 ? '/sys/fs/cgroup/memory' : '/sys/fs/cgroup';
    for (let folder = join(mount, path); folder.startsWith(mount); folder = dirname(folder)) {
      yield [folder, isV1 ? V1 : V2];
      if (isV1 && existsSync(folder)) break;
    }
  }
}

function tryIn(folder: string, files: Files, bytes: number): MemoryGroup | undefined {
  const group = join(folder, `forkful-test-${process.pid}-${Math.random().toString(36).slice(2)}`);
  try {
    mkdirSync(group);
  } catch {
    return undefined; // not allowed, or no such place
  }
  const file = (name: string) => join(group, name);
  const remove = async (): Promise<void> => {
    await until(() => readFileSync(file('cgroup.procs'), 'utf8') === '');
    rmdirSync(group);
  };
  try {
    // Not created where the controller is off: this throws then.
    writeFileSync(file(files.limit), `${bytes}`, { flag: 'r+' });
    const [name, value] = files.swap;
    if (existsSync(file(name))) writeFileSync(file(name), `${value(bytes)}`);
  } catch {
    rmdirSync(group);
    return undefined;
  }
  return {
    run(...args) {
      const enter = `echo $$ > '${file('cgroup.procs')}' && exec "$@"`;
      const { stdout, stderr, status, signal } = spawnSync(
        '/bin/sh',
        ['-c', enter, 'sh', process.execPath, ...args],
        { encoding: 'utf8', timeout: 100_000, maxBuffer: 1 << 26 },
      );
      return { stdout, stderr, status, signal };
    },
    oomKills: () => Number(/^oom_kill (\d+)$/m.exec(readFileSync(file(files.events), 'utf8'))?.[1] ?? NaN),
    remove,
  };
}

/** undefined where none can be made: without rights, or without the controller of memory. */
export function memoryGroup(bytes: number): MemoryGroup | undefined {
  for (const [folder, files] of folders()) {
    const group = tryIn(folder, files, bytes);
    if (group !== undefined) return group;
  }
  return undefined;
}
