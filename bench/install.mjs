import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const { dependencies } = JSON.parse(readFileSync(new URL('package.json', import.meta.url), 'utf8'));

/** The version of a peer that is there, or undefined. */
export function installedVersion(peer) {
  try {
    return JSON.parse(readFileSync(new URL(`node_modules/${peer}/package.json`, import.meta.url), 'utf8'))
      .version;
  } catch {
    return undefined;
  }
}

/** Installs what is missing of the peers, beside the benchmarks. What cannot be had is left out of the tables, visibly. */
export function installPeers() {
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
