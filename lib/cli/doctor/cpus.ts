import { availableParallelism, cpus as all } from 'node:os';
import { cgroupQuota, cpuCount } from '../../cpu-count';
import { findingsOf, type Finding } from './finding';
import { read } from './proc';

export function cpus(): Finding[] {
  const { ok, note } = findingsOf('cpus');
  const usable = cpuCount();
  const machine = all().length;
  const affinity = availableParallelism();
  const quota = cgroupQuota(process.platform);
  const list = allowed();
  const text =
    `${usable} can be used: the machine has ${machine}, the affinity allows ${affinity}${list}, ` +
    (quota === Infinity ? 'no cgroup quota' : `the cgroup's quota is ${quota}`);
  const values = { usable, machine, affinity, ...(quota !== Infinity && { quota }) };
  if (usable > 1) return [ok('cpus', text, { values })];
  const remedy = machine > 1 ? 'allow more CPUs (taskset, cpuset, docker --cpus)' : 'use a machine with more';
  return [
    note('cpus', `${text}; processes take turns, so computing gets no faster by more of them`, remedy, {
      values,
    }),
  ];
}

/** Which those are, where the system tells. */
function allowed(): string {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec(read('/proc/self/status'))?.[1];
  return list === undefined ? '' : ` (${list})`;
}
