import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { isCheckout } from './environment.mjs';

const folder = fileURLToPath(new URL('.', import.meta.url));
const { dependencies } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

/** The version of a peer that an import from here finds, or undefined. */
export function installedVersion(peer) {
  for (let at = folder; ; at = dirname(at)) {
    try {
      return JSON.parse(readFileSync(join(at, 'node_modules', peer, 'package.json'), 'utf8')).version;
    } catch {
      if (at === dirname(at)) return undefined;
    }
  }
}

/**
 * Installs what is missing of the peers, beside the benchmarks. What cannot be had is left out of the tables, visibly. In a
 * package that npm has installed nothing is: there the peers are those that the project has.
 */
export function installPeers() {
  if (!isCheckout) return;
  const isThere = ([name, version]) => installedVersion(name) === version;
  if (Object.entries(dependencies).every(isThere)) return;
  process.stderr.write('bench: installing what to compare with\n');
  const { status, stderr, error } = spawnSync(
    'npm',
    [
      'install',
      '--no-save',
      '--no-package-lock',
      '--ignore-scripts',
      '--no-audit',
      '--no-fund',
      '--loglevel=error',
    ],
    { cwd: folder, encoding: 'utf8' },
  );
  if (status !== 0) {
    process.stderr.write(
      `bench: npm install failed, going on without: ${error?.message ?? stderr.trim().split('\n')[0]}\n`,
    );
  }
}
