// npm run test:nodes -- [--versions 20,22,24,26] [--children 20]: what depends on Node's internals, on every supported Node:
// the contract, fork, forkserver and main-program suites, and a soak of forked children. The Nodes are npm packages.
import { spawnSync } from 'node:child_process';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nodeOf } from './nodes.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const { values } = parseArgs({
  options: {
    versions: { type: 'string', default: '20,22,24,26' },
    children: { type: 'string', default: '20' },
  },
});

let failed = false;
for (const version of values.versions.split(',')) {
  const node = nodeOf(version);
  const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH}` };
  const run = (...args) => {
    const { status } = spawnSync(node, args, { cwd: root, env, stdio: 'inherit' });
    if (status !== 0) failed = true;
  };
  console.log(`\nNode ${version}`);
  run(join('node_modules', 'jest', 'bin', 'jest.js'), 'test/contract', 'test/fork', 'test/main-program');
  run(join('test', 'soak', 'forks.mjs'), '--children', values.children);
}
process.exit(failed ? 1 : 0);
