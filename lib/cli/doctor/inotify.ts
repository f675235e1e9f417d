import { readlinkSync, watch } from 'node:fs';
import { findingsOf, type Finding } from './finding';
import { list, processesOfUser, read } from './proc';

const { ok, note } = findingsOf('limits');

/** Each thread of this user that waits for something named has one. */
export function inotify(): Finding[] {
  const limit = Number(read('/proc/sys/fs/inotify/max_user_instances'));
  if (!(limit > 0)) return [];
  const used = instancesOfUser();
  const text = `this user may have ${limit} instances, and has ${used}`;
  const details = { values: { limit, used } };
  const refused = refusal();
  return [
    refused === undefined
      ? ok('inotify', text, details)
      : note(
          'inotify',
          `${text}; one more is refused (${refused}), so whoever waits for a named queue or lock looks every 50 ms`,
          'raise the limit (sysctl fs.inotify.max_user_instances)',
          details,
        ),
  ];
}

/** The error code with which another one is refused. */
function refusal(): string | undefined {
  try {
    watch(__filename).close();
    return undefined;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code;
  }
}

function instancesOfUser(): number {
  let count = 0;
  for (const pid of processesOfUser()) {
    for (const fd of list(`/proc/${pid}/fd`)) {
      try {
        if (readlinkSync(`/proc/${pid}/fd/${fd}`) === 'anon_inode:inotify') count++;
      } catch {
        // closed meanwhile
      }
    }
  }
  return count;
}
