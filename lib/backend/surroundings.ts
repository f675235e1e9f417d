import { resolve } from 'node:path';
import { LaunchError } from '../errors';
import { processLimits, variablesOf } from '../platform';
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
export function inheritable(env: LaunchRequest['env']): [name: string, value: string][] {
  return [...variablesOf(env, process.platform)].filter(([name]) => !OWN_VARIABLES.has(name));
}

/** What the system said of a start that failed. */
export function launchError(error: unknown): unknown {
  const { code, syscall, message } = error as NodeJS.ErrnoException;
  if (syscall === undefined) return error;
  return new LaunchError(
    `expected to start a process, but ${message} (${code ?? 'unknown'}); ${processLimits(process.platform)}, and ` +
      'that cwd exists',
    { errno: code ?? 'unknown', cause: error },
  );
}

export function systemError(syscall: string, code: string): Error {
  return Object.assign(new Error(`${syscall}: ${code}`), { code, syscall });
}
