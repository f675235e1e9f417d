import type { BackendName } from '../../backend/backend';
import { cpuCount } from '../../cpu-count';
import { findingsOf, type Finding } from './finding';
import { inotify } from './inotify';
import { report } from './machine';
import { processesOfUser, read } from './proc';

/** Descriptors of a small program with a pool, and of each of its workers, by backend. */
const DESCRIPTORS = { program: 32, worker: { native: 13, child_process: 2 } };
/** With fewer than so many, a program that has files of its own should be looked at. */
const PLENTY = 1024;
/** Threads of a Node that was started afresh; each counts as a process. */
const THREADS = 12;

const { ok, note, problem } = findingsOf('limits');

/** What the system allows this user and this process. Windows has no such limits. */
export function limits(backend: BackendName): Finding[] {
  const { userLimits } = report();
  if (userLimits === undefined) return [];
  const soft = (name: string) => {
    const value = userLimits[name]?.soft;
    return typeof value === 'number' ? value : Infinity;
  };
  return [
    descriptors(soft('open_files'), backend),
    ...userProcesses(soft('max_user_processes')),
    ...groupProcesses(),
    ...inotify(),
  ];
}

function descriptors(limit: number, backend: BackendName): Finding {
  const wanted = DESCRIPTORS.program + DESCRIPTORS.worker[backend] * cpuCount();
  const text = `a process may have ${limit}, a small program with a pool of ${cpuCount()} workers takes some ${wanted}`;
  const details = { values: figures({ limit, wanted }) };
  const remedy = 'raise the limit (ulimit -n, LimitNOFILE=, docker --ulimit nofile=)';
  if (limit < wanted) return problem('descriptors', text, remedy, details);
  return limit < PLENTY
    ? note('descriptors', `${text}, beside what it has itself`, remedy, details)
    : ok('descriptors', text, details);
}

function userProcesses(limit: number): Finding[] {
  // The system does not bind its superuser, and only Linux tells how many there are.
  if (limit === Infinity || process.geteuid?.() === 0) {
    return [
      ok('processes', limit === Infinity ? 'no limit for this user' : `${limit}, which do not bind root`),
    ];
  }
  const used = threadsOfUser();
  const text = `this user may have ${limit}${used === undefined ? '' : `, and has ${used}`} (threads count)`;
  return [room('processes', text, limit, used ?? 0, 'raise the limit (ulimit -u, LimitNPROC=)')];
}

function groupProcesses(): Finding[] {
  const group = pidsOfGroup();
  if (group === undefined) return [];
  const { limit, used } = group;
  const text = `the cgroup may have ${limit}, and has ${used} (threads count)`;
  return [room('cgroup processes', text, limit, used, 'raise the limit (docker --pids-limit, TasksMax=)')];
}

/** Whether there is room for a pool with a worker for each CPU. */
function room(name: string, text: string, limit: number, used: number, remedy: string): Finding {
  const wanted = THREADS * (cpuCount() + 2);
  const details = { values: figures({ limit, used, wanted }) };
  const left = limit - used;
  if (left >= wanted) return ok(name, text, details);
  if (left < THREADS)
    return problem(name, `${text}; each Node that is started takes some ${THREADS}`, remedy, details);
  const few = `${text}; a pool of ${cpuCount()} spawned workers takes some ${wanted}`;
  // Forked workers take less: whether it is enough is what the self-test tells.
  return note(name, few, remedy, details);
}

/** JSON has no Infinity. */
function figures(values: Readonly<Record<string, number>>): Record<string, number> {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => Number.isFinite(value)));
}

/** undefined where the system does not tell. */
function threadsOfUser(): number | undefined {
  const pids = processesOfUser();
  if (pids.length === 0) return undefined;
  const threads = (pid: string) => Number(/^Threads:\s+(\d+)$/m.exec(read(`/proc/${pid}/status`))?.[1] ?? 0);
  return pids.reduce((sum, pid) => sum + threads(pid), 0);
}

/** Of the nearest cgroup that has a limit: it binds those within. */
function pidsOfGroup(): { limit: number; used: number } | undefined {
  if (process.platform !== 'linux') return undefined;
  const lines = read('/proc/self/cgroup').split('\n');
  for (const line of lines) {
    const [, controllers, path] = /^\d+:([^:]*):(.*)$/.exec(line) ?? [];
    if (path === undefined || (controllers !== '' && controllers !== 'pids')) continue;
    const root = controllers === '' ? '/sys/fs/cgroup' : '/sys/fs/cgroup/pids';
    // In a container the path may be that of the host, of which only the group's own folder is seen, as the root.
    for (let inner = path; ; inner = inner.slice(0, inner.lastIndexOf('/'))) {
      const limit = Number(read(`${root}${inner}/pids.max`) || NaN);
      if (limit > 0) return { limit, used: Number(read(`${root}${inner}/pids.current`)) };
      if (inner === '' || inner === '/') break;
    }
  }
  return undefined;
}
