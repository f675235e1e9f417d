import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Status } from '../dist/backend/native/addon';
import { Eventually } from '../dist/backend/native/eventually';
import { until } from './contract/methods';

/** An act that finds its lock held so often. */
function busy(times: number, done: () => void): () => number {
  return () => {
    if (times-- > 0) return Status.Busy;
    done();
    return Status.Ok;
  };
}

test('what finds its lock held is done later, in order, and what comes then waits its turn', async () => {
  const eventually = new Eventually();
  const done: number[] = [];
  expect(eventually.attempt(busy(0, () => done.push(0)))).toBe(Status.Ok);
  expect(eventually.attempt(busy(3, () => done.push(1)))).toBe(Status.Busy);
  expect(eventually.attempt(busy(0, () => done.push(2)))).toBe(Status.Busy);
  expect(eventually.attempt(busy(2, () => done.push(3)))).toBe(Status.Busy);
  expect(done).toEqual([0]);
  await until(() => done.length === 4);
  expect(done).toEqual([0, 1, 2, 3]);
  expect(eventually.attempt(busy(0, () => done.push(4)))).toBe(Status.Ok);
  expect(() => eventually.attempt(() => Status.Corrupt)).toThrow(/overwritten/);
  eventually.close();
});

test('closing does what is left, for as long as that is sensible', () => {
  const eventually = new Eventually();
  const done: number[] = [];
  eventually.attempt(busy(1000, () => done.push(1)));
  eventually.attempt(busy(0, () => done.push(2)));
  eventually.close();
  expect(done).toEqual([1, 2]);
  eventually.attempt(busy(Infinity, () => done.push(3)));
  eventually.close();
  expect(done).toEqual([1, 2]);
});

test('so does process.exit()', () => {
  const program = `
    const { Eventually } = require(${JSON.stringify(join(__dirname, '..', 'dist', 'backend', 'native', 'eventually'))});
    let tries = 0;
    new Eventually().attempt(() => (tries++ < 10 ? ${Status.Busy} : (process.stdout.write('done'), ${Status.Ok})));
    process.exit(3);`;
  const { status, stdout } = spawnSync(process.execPath, ['-e', program], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  expect([status, stdout]).toEqual([3, 'done']);
});
