import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

const program = join(__dirname, '..', 'build', 'Release', 'native_tests');

test('the native tests of the ring, with 1,000 kills and every fault point', () => {
  const { status, stdout, stderr } = spawnSync(program, ['1000'], { encoding: 'utf8', timeout: 100_000 });
  expect(`${stdout}${stderr}`).toContain('ok random kills');
  expect(stdout).toContain('ok fault points');
  expect(status).toBe(0);
}, 120_000);

test('20 s of kills, stops and continues at random: every message is accounted for', () => {
  const script = join(__dirname, '..', 'scripts', 'stress.mjs');
  const { status, stdout, stderr } = spawnSync(process.execPath, [script, '--seconds', '20'], {
    encoding: 'utf8',
    timeout: 100_000,
  });
  expect(`${stdout}${stderr}`).toMatch(/ok stress: kills [1-9]\d{2,}, .*lost 0, corrupt 0, twice 0, hung 0/);
  expect(status).toBe(0);
}, 120_000);
