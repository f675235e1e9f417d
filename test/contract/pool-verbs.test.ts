import type { AsyncResult } from 'forkful';
import * as more from '../fixtures/pool-tasks.js';
import * as tasks from '../fixtures/tasks.js';
import { describeEach, errorOf, thrown, until } from './methods';
import { notesOfEachTest, poolsOf, range } from './pools';

describeEach('Pool: every verb', ({ context, method }) => {
  const pool = poolsOf(context);
  /** By `fork` no worker is started while the thread is blocked. */
  const blockingTest = method === 'fork' ? test.skip : test;

  if (method === 'fork') {
    test('Sync forms are refused, not waited for in vain', async () => {
      const p = pool(1);
      const words = /'fork' cannot be waited for with its Sync forms/;
      expect(thrown(() => p.applySync(tasks.add, [1, 2])).message).toMatch(words);
      expect(thrown(() => p.mapSync(tasks.double, [1])).message).toMatch(words);
      expect(thrown(() => p.starmapSync(tasks.add, [[1, 2]])).message).toMatch(words);
      expect(thrown(() => p.imapSync(tasks.double, [1])).message).toMatch(words);
      const result = p.applyAsync(tasks.double, [4]);
      expect(thrown(() => result.getSync())).toMatchObject({ code: 'ERR_FORKFUL_UNSUPPORTED' });
      expect(thrown(() => result.getSync({ timeout: 0 })).code).toBe('ERR_FORKFUL_TIMEOUT');
      expect(await result).toBe(8);
      expect(result.getSync()).toBe(8);
    });
  }

  blockingTest('Sync forms', async () => {
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

  blockingTest('Sync forms notice deaths, failing initializers and time limits', () => {
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
    await p.apply(tasks.double, [1]);
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

  describe('stream', () => {
    const notes = notesOfEachTest();

    test('gives what a generator yields, its error after that, and ends', async () => {
      const p = pool(1);
      const all: number[] = [];
      for await (const value of p.stream(more.count, [1000])) all.push(value as number);
      expect(all).toEqual(range(1000));
      const seen: unknown[] = [];
      const failing = p.stream(more.countSlowly, [10, 3, undefined]);
      const error = await errorOf(
        (async () => {
          for await (const value of failing) seen.push(value);
        })(),
      );
      expect(error).toMatchObject({ name: 'RangeError', message: 'not that one' });
      expect(seen).toEqual([0, 1, 2]);
      expect(await failing.next()).toEqual({ done: true, value: undefined });
      expect((await errorOf(p.stream(tasks.double, [1]).next())).message).toContain('iterable');
      const unsendable = p.stream(more.yieldFunction);
      expect((await unsendable.next()).value).toBe(1);
      expect((await errorOf(unsendable.next())).code).toBe('ERR_FORKFUL_SERIALIZATION');
      const lost = p.stream(more.yieldAndDie);
      expect([(await lost.next()).value, (await lost.next()).value]).toEqual([1, 2]);
      expect((await errorOf(lost.next())).code).toBe('ERR_FORKFUL_WORKER_LOST');
      expect(await p.apply(tasks.add, [1, 1])).toBe(2);
    });

    test('runs a bounded way ahead of its consumer; leaving the loop closes the generator', async () => {
      const p = pool(1);
      const worker = await p.apply(tasks.pid);
      const stream = p.stream(more.countSlowly, [100_000, -1, notes.file]);
      expect((await stream.next()).value).toBe(0);
      await notes.now.hasLines(60);
      for (let i = 1; i < 200; i++) expect((await stream.next()).value).toBe(i);
      await stream.return!();
      expect(await stream.next()).toEqual({ done: true, value: undefined });
      expect(await p.apply(tasks.pid)).toBe(worker);
      expect(notes.now.lines.at(-1)).toBe('closed');
      expect(notes.now.lines.length).toBeLessThan(300);
    });

    test('ends by its signal', async () => {
      const p = pool(1);
      const controller = new AbortController();
      const stream = p.stream(more.count, [1e9, notes.file], { signal: controller.signal });
      expect((await stream.next()).value).toBe(0);
      controller.abort(new Error('enough'));
      let error: unknown;
      for (let i = 0; i < 200 && error === undefined; i++)
        await stream.next().catch((thrown: unknown) => (error = thrown));
      expect(error).toBe(controller.signal.reason);
      expect(await p.apply(tasks.add, [1, 1])).toBe(2);
      expect(notes.now.lines).toEqual(['closed']);
    });
  });

  test('broadcast runs once in every worker', async () => {
    const p = pool(3);
    const pids = await p.broadcast(more.setMark, ['here']);
    expect(new Set(pids).size).toBe(3);
    const found = await p.map(more.getMark, range(30), { chunksize: 1 });
    for (const [pid, mark] of found) {
      expect(pids).toContain(pid);
      expect(mark).toBe('here');
    }
    const outcomes = await p.broadcast(tasks.fail, ['all of them'], { settled: true });
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    expect((await errorOf(p.broadcast(tasks.exit, [4]))).code).toBe('ERR_FORKFUL_WORKER_LOST');
    const q = pool({ processes: 2, initializer: tasks.failToInitialise, stdio: 'ignore' });
    expect((await errorOf(q.broadcast(tasks.pid))).message).toBe('no database');
    expect((await errorOf(q.ready())).message).toBe('no database');
  });
});
