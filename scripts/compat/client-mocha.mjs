// mocha --parallel, whose workers are those of workerpool.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { Project } from './project.mjs';

const require = createRequire(import.meta.url);
const { version } = require('workerpool/package.json');
const FILES = 24;

/** Some hundred tests: most pass, in several ways; some fail, in several ways. */
function spec(i) {
  const wrong = i % 6 === 0;
  return `
const assert = require('node:assert');
describe('file ${i}', () => {
  let made;
  before(() => { made = [${i}]; });
  it('passes', () => assert.equal(made[0], ${i}));
  it('waits', () => new Promise((resolve) => setTimeout(resolve, 5)));
  it('calls back', (done) => setImmediate(done));
  it('has an environment of its own', () => assert.match(process.env.MOCHA_WORKER_ID, /^[0-9]+$/));
  it('computes', () => { let n = 0; for (let i = 0; i < 1e6; i++) n += i % 7; assert(n > 0); });
  it.skip('is pending', () => {});
  ${
    wrong
      ? `
  it('fails', () => assert.deepEqual({ a: [1, 2] }, { a: [1, 3] }));
  it('throws', () => { throw new TypeError('wrong in ${i}'); });
  it('rejects', async () => { throw new RangeError('rejected in ${i}'); });
  it('is too slow', function () { this.timeout(20); return new Promise(() => {}); });
  it('throws outside', (done) => { setImmediate(() => { throw new Error('outside of ${i}'); }); });`
      : ''
  }
});
`;
}

const CRASHES = {
  exits: "it('exits', () => process.exit(7));",
  'is killed': "it('is killed', (done) => { process.kill(process.pid, 'SIGKILL'); });",
  'does not load': "throw new Error('not loaded');",
};

/** What a reporter would say that does not depend on times and on the order of files. */
function outcome({ status, signal, stdout }, folder) {
  const { stats, tests } = JSON.parse(stdout.replaceAll(folder, ''));
  const { suites, tests: count, passes, pending, failures } = stats;
  const titles = tests
    .map(({ fullTitle, err }) => `${fullTitle}: ${err.name ?? ''} ${err.message ?? ''}`)
    .sort();
  return { status, signal, suites, count, passes, pending, failures, titles };
}

function runs(original) {
  const project = new Project(['mocha'], original, version);
  try {
    for (let i = 0; i < FILES; i++) project.write(`spec/${i}.js`, spec(i));
    const mocha = (...args) =>
      project.node('node_modules/mocha/bin/mocha.js', '--parallel', '--jobs', '2', ...args);
    mocha('--reporter', 'json', 'spec/1.js', 'spec/2.js'); // files and code are in the system's cache
    const all = mocha('--reporter', 'json', 'spec/*.js');
    const crashed = Object.entries(CRASHES).map(([name, text]) => {
      project.write('crash/0.js', text);
      project.write('crash/1.js', spec(1));
      const { status, signal, stderr, stdout, time } = mocha('--reporter', 'dot', 'crash/*.js');
      return { name, status, signal, time, output: `${stdout}${stderr}` };
    });
    return { all, outcome: outcome(all, project.folder), crashed };
  } finally {
    project.remove();
  }
}

/** @throws AssertionError unless mocha says the same with both */
export default function mocha() {
  const original = runs(undefined);
  const ours = runs('workerpool');
  assert.deepEqual(ours.outcome, original.outcome);
  const { count, passes, failures, pending } = ours.outcome;
  const seconds = ({ time }) => `${(time / 1000).toFixed(2)} s`;
  console.log(
    `mocha --parallel: ${count} tests in ${FILES} files: ${passes} pass, ${failures} fail, ${pending} pending`,
  );
  console.log(
    `  workerpool ${version}: ${seconds(original.all)}; forkful/compat/workerpool: ${seconds(ours.all)}`,
  );
  original.crashed.forEach((theirs, i) => {
    const mine = ours.crashed[i];
    if (process.env.VERBOSE) console.log(theirs.output, mine.output);
    assert.equal(mine.status, theirs.status, mine.output);
    console.log(
      `  a file that ${theirs.name}: exit ${theirs.status} in ${seconds(theirs)}; exit ${mine.status} in ${seconds(mine)}`,
    );
  });
}
