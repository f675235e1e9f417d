import type { AsyncResult } from 'forkful';
import * as tasks from '../fixtures/tasks.js';
import { describeEach, errorOf, thrown, until } from './methods';
import { poolsOf, range } from './pools';

describeEach('Pool: every verb', ({ context }) => {
  const pool = poolsOf(context);

  test('Sync forms', async () => {
    const p = pool(2);
    expect(p.applySync(tasks.add, [1, 2])).toBe(3);
    expect(p.applySync(tasks.later, [1, 'x'])).toBe('x');
    expect(thrown(() => p.applySync(tasks.fail, ['no']))).toMatchObject({
      name: 'RangeError',
      message: 'no',
    });
    expect(p.mapSync(tasks.double, range(100))).toEqual(range(100).map((x) => 2 * x));
    expect(
      p.starmapSync(tasks.add, [
        [1, 2],
        [3, 4],
      ]),
    ).toEqual([3, 7]);
    expect([...p.imapSync(tasks.double, range(300))]).toEqual(range(300).map((x) => 2 * x));
    for (const value of p.imapSync(tasks.double, range(1000))) if (value === 20) break;
    const result = p.applyAsync(tasks.later, [30, 'y']);
    expect(thrown(() => result.getSync({ timeout: 0 })).code).toBe('ERR_FORKFUL_TIMEOUT');
    expect(result.getSync({ timeout: 20_000 })).toBe('y');
    expect(thrown(() => p.mapSync(tasks.double, (async function* () {})() as never)).message).toMatch(
      /iterable/,
    );
    expect(await p.apply(tasks.add, [2, 2])).toBe(4);
  });

  test('Sync forms notice deaths, failing initializers and time limits', () => {
    const p = pool({ processes: 1, stdio: 'ignore' });
    expect(thrown(() => p.applySync(tasks.exit, [3])).code).toBe('ERR_FORKFUL_WORKER_LOST');
    expect(thrown(() => p.applySync(tasks.hang, [], { taskTimeout: 50, killAfter: 0 })).code).toBe(
      'ERR_FORKFUL_TIMEOUT',
    );
    expect(p.applySync(tasks.double, [1])).toBe(2);
    const q = pool({ processes: 1, initializer: tasks.failToInitialise, stdio: 'ignore' });
    expect(thrown(() => q.applySync(tasks.double, [1])).message).toBe('no database');
  });

  test('wrap', async () => {
    const p = pool(1);
    const add = p.wrap(tasks.add as (a: number, b: number) => number);
    expect(await add(3, 4)).toBe(7);
    const limited = p.wrap(tasks.hang, { taskTimeout: 50, killAfter: 0 });
    expect((await errorOf(limited())).code).toBe('ERR_FORKFUL_TIMEOUT');
  });

  test('map and starmap take async iterables; their error rejects', async () => {
    const p = pool(2);
    async function* numbers(bad?: number): AsyncGenerator<number> {
      for (const i of range(10)) {
        await null;
        if (i === bad) throw new Error('dry');
        yield i;
      }
    }
    async function* pairs(): AsyncGenerator<[number, number]> {
      yield [1, 2];
      await null;
      yield [3, 4];
    }
    expect(await p.map(tasks.double, numbers())).toEqual(range(10).map((x) => 2 * x));
    expect(await p.starmap(tasks.add, pairs())).toEqual([3, 7]);
    expect((await errorOf(p.map(tasks.double, numbers(5)))).message).toBe('dry');
    const controller = new AbortController();
    let closed = false;
    async function* endless(): AsyncGenerator<number> {
      try {
        for (let i = 0; ; i++) {
          await new Promise((resolve) => setImmediate(resolve));
          yield i;
        }
      } finally {
        closed = true;
      }
    }
    const aborted = p.map(tasks.double, endless(), { signal: controller.signal });
    setImmediate(() => controller.abort());
    expect((await errorOf(aborted)).name).toBe('AbortError');
    await until(() => closed);
  });

  test('settled for apply; errors of a map that nobody asks for', async () => {
    const p = pool(1);
    expect(await p.apply(tasks.double, [1], { settled: true })).toEqual({ status: 'fulfilled', value: 2 });
    expect(await p.apply(tasks.fail, ['x'], { settled: true })).toMatchObject({
      status: 'rejected',
      reason: { message: 'x' },
    });
    const result: AsyncResult<number[]> = p.mapAsync(tasks.failOdd as (x: number) => number, [0, 1]);
    await result.wait();
    expect(result.successful()).toBe(false);
    expect((await errorOf(result)).message).toBe('odd: 1');
  });
});
