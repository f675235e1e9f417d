import { join } from 'node:path';
import { Lock, Process, Semaphore, refs } from 'forkful';
import { until } from './contract/methods';

type Act = 'alone' | 'waits' | 'leaves' | 'releases';

interface Faults {
  victim(lock: Lock, ready: Semaphore, act: Act, nth: number, isBefore: boolean): Promise<void>;
}
const { victim } = refs<Faults>(join(__dirname, 'fixtures', 'lock-faults.cjs'));

/** Whether the victim lived. Whatever it did, all others go on, and the lock is a lock. */
async function survives(act: Act, nth: number, isBefore: boolean): Promise<boolean> {
  const [lock, ready] = [new Lock(), new Semaphore(0)];
  if (act !== 'alone') lock.acquireSync();
  let settled = 0;
  const others = (act === 'alone' ? [] : [1, 2]).map(async () => {
    expect(await lock.acquire({ timeout: 20_000 })).toBe(true);
    settled++;
    if (act !== 'releases') lock.release();
  });
  const child = new Process({ target: victim, args: [lock, ready, act, nth, isBefore] });
  await child.start();
  if (act === 'waits') await until(() => ready.value > 0 || child.exitCode !== null);
  if (act === 'waits') lock.release();
  await child.join();
  if (act === 'leaves') lock.release();
  if (act === 'releases') {
    // What the victim has not come to.
    await until(() => {
      if (settled < others.length && lock.locked()) lock.release();
      return settled === others.length;
    });
    while (lock.locked()) lock.release();
  }
  await Promise.all(others);
  expect(await lock.acquire({ timeout: 20_000 })).toBe(true);
  expect(lock.acquireSync({ timeout: 0 })).toBe(false);
  expect(lock.locked()).toBe(true);
  lock.release();
  expect(lock.locked()).toBe(false);
  for (const one of [lock, ready]) one.close();
  expect([0, -9]).toContain(child.exitCode);
  return child.exitCode === 0;
}

// Each change in shared memory: killed before it, and behind it.
describe.each([true, false])('whoever is killed at a change (before it: %s)', (isBefore) => {
  test.each([
    ['alone', 4],
    ['waits', 4],
    ['leaves', 4],
    ['releases', 3],
  ] as const)('%s: nobody else loses anything', async (act, least) => {
    let nth = 1;
    while (!(await survives(act, nth, isBefore))) nth++;
    expect(nth).toBeGreaterThan(least);
  });
});
