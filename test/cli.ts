import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { ProgramOptions } from './program';

const manifest = require.resolve('forkful/package.json');
const { bin, version } = JSON.parse(readFileSync(manifest, 'utf8'));

export { version };

/** What `npx forkful` runs. */
export const cli = join(dirname(manifest), bin.forkful);

export interface CliOutcome {
  readonly status: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `forkful` with these arguments; `within`: the start of a command line that runs it. */
export function forkful(
  args: readonly string[],
  { args: own = [], env, cwd, within = [] }: ProgramOptions & { readonly within?: readonly string[] } = {},
): CliOutcome {
  const [file = '', ...rest] = [...within, process.execPath, ...own, cli, ...args];
  const { status, stdout, stderr } = spawnSync(file, rest, {
    encoding: 'utf8',
    timeout: 60_000,
    env: { ...process.env, ...env },
    ...(cwd !== undefined && { cwd }),
  });
  return { status, stdout, stderr };
}

/** The start of a command line that first does something in a shell. */
export function afterShell(text: string): string[] {
  return ['sh', '-c', `${text} && exec "$@"`, 'sh'];
}
