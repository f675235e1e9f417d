import * as more from '../fixtures/pool-tasks.js';
import { add, double, failOdd } from '../fixtures/tasks.js';
import { describeEach } from './methods';
import { poolsOf, range } from './pools';

/** The same numbers every time. */
function random(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

describeEach('Pool: chaos', ({ context }) => {
  const pool = poolsOf(context);

  test('while workers are killed and the pool is resized every task settles, once, and rightly', async () => {
    const p = pool({ processes: 2, stdio: 'ignore', maxTasksPerChild: 200, killAfter: 10 });
    const next = random(7);
    const counts: Record<string, number> = {};
    let settled = 0;
    const note = (outcome: string) => {
      settled++;
      counts[outcome] = (counts[outcome] ?? 0) + 1;
    };
    const check = <T>(promise: PromiseLike<T>, expected: T) =>
      promise.then(
        (value) => {
          expect(value).toEqual(expected);
          note('done');
        },
        (error: { code?: string; message: string }) => note(error.code ?? error.message),
      );
    const all: PromiseLike<void>[] = [];
    for (const round of range(40)) {
      for (const i of range(25)) {
        const key = next(3) === 0 ? { key: next(5) } : {};
        all.push(check(p.apply(add, [round, i], { ...key, priority: next(2) }), round + i));
      }
      const items = range(30).map((i) => 2 * i);
      all.push(check(p.map(failOdd, items, { chunksize: 1 + next(9), retries: 20 }), items));
      all.push(check(p.apply(more.twice, [round], { retries: 20 }), 2 * round));
      if (next(4) === 0) {
        const result = p.applyAsync(more.hang);
        all.push(check(result, undefined as never));
        result.cancel();
      }
      if (next(5) === 0) p.resize(1 + next(3));
      // Three in a row that never get ready would be taken for a pool that cannot work.
      const victims = p.stats().workers.filter(({ pid, state }) => pid > 0 && state !== 'starting');
      const victim = victims[next(victims.length)];
      if (next(3) === 0 && victim !== undefined) {
        try {
          process.kill(victim.pid, 'SIGKILL');
        } catch {
          // It has just ended by itself.
        }
      }
      await new Promise((resolve) => setTimeout(resolve, next(8)));
    }
    await Promise.all(all);
    expect(settled).toBe(all.length);
    expect(Object.keys(counts).sort()).toEqual(
      ['ERR_FORKFUL_CANCELLED', 'ERR_FORKFUL_WORKER_LOST', 'done'].filter((outcome) => outcome in counts),
    );
    expect(counts['done']).toBeGreaterThan(500);
    expect(await p.map(double, range(100))).toEqual(range(100).map((x) => 2 * x));
    expect(p.stats()).toMatchObject({ pending: 0, running: 0 });
    await p.close();
    expect(p.stats().workers).toEqual([]);
  });
});
