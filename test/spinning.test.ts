import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { DEFAULT_SPIN, spinLimit } from '../dist/backend/native/spinning.js';

const library = createRequire(__filename).resolve('./fixtures/backends.js');

test.each([
  [undefined, 8, DEFAULT_SPIN],
  ['', 8, DEFAULT_SPIN],
  ['0', 8, 0],
  ['250', 8, 250],
  ['250', 1, 0], // whoever spins keeps the other from running
])('with FORKFUL_SPIN=%s and %d CPUs', (setting, cpus, expected) => {
  expect(spinLimit(setting, () => cpus)).toBe(expected);
});

test('what is no number of µs is ignored, with a warning', () => {
  const warn = jest.spyOn(process, 'emitWarning').mockImplementation(() => undefined);
  for (const wrong of ['fast', '-1', 'NaN', '1e9']) expect(spinLimit(wrong, () => 2)).toBe(DEFAULT_SPIN);
  expect(warn).toHaveBeenCalledTimes(4);
  warn.mockRestore();
});

/** CPU time (ms) of a process that waits 400 ms for a message that does not come. */
function cost(FORKFUL_SPIN: string): number {
  const program = `
    const { Queue } = require('node:module').createRequire(${JSON.stringify(library)})('forkful');
    const queue = new Queue();
    const before = process.cpuUsage();
    try { queue.getSync({ timeout: 400 }); } catch {}
    const { user, system } = process.cpuUsage(before);
    console.log((user + system) / 1000);`;
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', program], {
    env: { ...process.env, FORKFUL_SPIN, FORKFUL_BACKEND: 'native' },
    encoding: 'utf8',
  });
  if (stdout === '') throw new Error(stderr);
  return Number(stdout);
}

// A clock that counts only what the process itself has used: other load does not change it.
test('it is obeyed', () => {
  expect(cost('0')).toBeLessThan(100);
  if (spinLimit('1000000') > 0) expect(cost('1000000')).toBeGreaterThan(150);
});
