import { getAllStartMethods } from 'forkful';
import * as hygiene from './fixtures/hygiene.js';
import { programOf } from './program';

const file = require.resolve('./fixtures/hygiene.js');
const checks = Object.keys(hygiene).filter((name) => !['warmup', 'default'].includes(name));

/** Runs every check in a process of its own, all at once, and tells what each one says. */
function checkAll(method: string, preload: string): Record<string, string> {
  const { result, stderr } = programOf(`
    const P = F.getContext('${method}').Process;
    ${preload}
    const outcomes = {};
    const one = async (name) => {
      const child = new P({ target: F.ref(${JSON.stringify(file)}, name), stdio: 'pipe', name });
      const { text } = require('node:stream/consumers');
      await child.start();
      const timer = setTimeout(() => child.kill(), 20_000);
      const said = text(child.stderr);
      const error = await child.result().then(() => undefined, (error) => error.stack);
      await child.join();
      clearTimeout(timer);
      outcomes[name] = error ?? (child.exitCode === 0 ? await said : 'exit code ' + child.exitCode + await said);
    };
    const names = ${JSON.stringify(checks)};
    const worker = async () => { while (names.length > 0) await one(names.shift()); };
    await Promise.all([worker(), worker(), worker()]);
    finish(outcomes);`);
  expect(stderr).toBe('');
  return result as Record<string, string>;
}

const fine = Object.fromEntries(checks.map((name) => [name, '']));

(getAllStartMethods().includes('forkserver') ? describe : describe.skip)('what children can do', () => {
  test('forked', () => {
    expect(checkAll('forkserver', '')).toEqual(fine);
  });
  test('forked, after the same was done before the fork', () => {
    const preload = `F.setForkserverPreload([${JSON.stringify(file)}], { warmup: F.ref(${JSON.stringify(file)}, 'warmup'), onError: 'fail' });`;
    expect(checkAll('forkserver', preload)).toEqual(fine);
  });
  test('spawned', () => {
    expect(checkAll('spawn', '')).toEqual(fine);
  });
});
