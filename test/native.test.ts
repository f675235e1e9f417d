import { spawnSync } from 'node:child_process';
import { join } from 'node:path';

test('the native tests of the ring, with 1,000 kills', () => {
  const program = join(__dirname, '..', 'build', 'Release', 'native_tests');
  const { status, stdout, stderr } = spawnSync(program, ['1000'], { encoding: 'utf8', timeout: 100_000 });
  expect(`${stdout}${stderr}`).toContain('ok random kills');
  expect(status).toBe(0);
}, 120_000);
