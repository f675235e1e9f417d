// Nodes of other versions and CPUs: npm packages that hold nothing but the program, installed below build/.
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

/** The file name of a Node, which is installed if need be. */
export function nodeOf(version, { platform = process.platform, arch = process.arch } = {}) {
  const name = `node-${platform}-${arch}`;
  const folder = join(root, 'build', 'nodes', arch === process.arch ? version : `${version}-${arch}`);
  const node = join(folder, 'node_modules', name, 'bin', platform === 'win32' ? 'node.exe' : 'node');
  if (!existsSync(node)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    // One for another CPU says that it is not for this one.
    const foreign = arch === process.arch ? [] : ['--force', `--os=${platform}`, `--cpu=${arch}`];
    execFileSync(
      'npm',
      ['install', '--no-save', '--no-audit', '--no-fund', ...foreign, `${name}@${version}`],
      {
        cwd: folder,
        stdio: ['ignore', 'ignore', 'inherit'],
      },
    );
  }
  return node;
}
