// npm run test:nodes -- [--versions 20,22,24,26] [--children 20]: what depends on Node's internals, on every supported Node:
// the contract, forkserver and main-program suites, and a soak of forked children. The Nodes are npm packages.
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const executable = process.platform === 'win32' ? 'node.exe' : 'node';
const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { values } = parseArgs({
  options: {
    versions: { type: 'string', default: '20,22,24,26' },
    children: { type: 'string', default: '20' },
  },
});

function install(version) {
  const folder = join(root, 'build', 'nodes', version);
  const node = join(folder, 'node_modules', `node-${process.platform}-${process.arch}`, 'bin', executable);
  if (!existsSync(node)) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{ "private": true }\n');
    const name = `node-${process.platform}-${process.arch}@${version}`;
    execFileSync('npm', ['install', '--no-save', '--no-audit', '--no-fund', name], {
      cwd: folder,
      stdio: 'inherit',
    });
  }
  return node;
}

let failed = false;
for (const version of values.versions.split(',')) {
  const node = install(version);
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
  const run = (...args) => {
    const { status } = spawnSync(node, args, { cwd: root, env, stdio: 'inherit' });
    if (status !== 0) failed = true;
  };
  console.log(`\nNode ${version}`);
  run(
    join('node_modules', 'jest', 'bin', 'jest.js'),
    'test/contract',
    'test/forkserver',
    'test/main-program',
  );
  run(join('test', 'soak', 'forks.mjs'), '--children', values.children);
}
process.exit(failed ? 1 : 0);
