import { resolve } from 'node:path';
import { LaunchError } from '../errors';
import { variableName } from '../platform';
import type { LaunchRequest } from './backend';

/** An IPC channel of this process is not the child's: the descriptor would be something else there. */
const OWN_VARIABLES = new Set(['NODE_CHANNEL_FD', 'NODE_CHANNEL_SERIALIZATION_MODE', 'NODE_UNIQUE_ID']);

/** '' if this process's own does not exist any more. */
export function workingDirectory(asked: string | undefined): string {
  try {
    return resolve(asked ?? '');
  } catch (error) {
    if (asked !== undefined) throw error;
    return '';
  }
}

/** The variables that a child gets. */
export function inheritable(
  env: LaunchRequest['env'],
  platform: string = process.platform,
): [name: string, value: string][] {
  const out: [name: string, value: string][] = [];
  for (const [name, value] of Object.entries(env)) {
    if (value !== undefined && !OWN_VARIABLES.has(variableName(name, platform))) out.push([name, value]);
  }
  return out;
}

/** What the system said of a start that failed. */
export function launchError(error: unknown): unknown {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (syscall === undefined) return error;
  return new LaunchError(
    `expected to start a process, but ${message} (${code ?? 'unknown'}); check the limits of processes, descriptors ` +
      'and memory (ulimit -u, ulimit -n, cgroup), and that cwd exists',
    { errno: code ?? 'unknown', cause: error },
  );
}
