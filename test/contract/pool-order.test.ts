import * as more from '../fixtures/pool-tasks.js';
import { add, busy, double, exit, killSelf, pid } from '../fixtures/tasks.js';
import { describeEach, errorOf, exists, thrown, until } from './methods';
import { notesOfEachTest, poolsOf, range } from './pools';

describeEach('Pool: which task runs where and when', ({ context }) => {
  const pool = poolsOf(context);
  const notes = notesOfEachTest();

  test('tasks with the same key run in the same worker, in order', async () => {
    const p = pool(3);
    await p.ready();
    const keys = ['a', 'b', 'c', 7];
    const workers = await Promise.all(range(60).map((i) => p.apply(busy, [1], { key: keys[i % 4]! })));
    for (const [k] of keys.entries()) expect(new Set(workers.filter((_, i) => i % 4 === k)).size).toBe(1);
    expect(new Set(workers).size).toBe(3);
    // Beside them the others go where there is room.
    expect(await p.map(double, range(50), { chunksize: 1 })).toEqual(range(50).map((x) => 2 * x));
    expect(await p.map(pid, range(20), { chunksize: 2, key: 'a' })).toEqual(range(20).map(() => workers[0]));
  });

  test('a key whose worker was lost gets another one; what waited for it is run there', async () => {
    const p = pool(2);
    const first = await p.apply(pid, [], { key: 'k' });
    const lost = p.apply(exit, [1], { key: 'k' });
    const rest = range(50).map(() => p.apply(pid, [], { key: 'k' }));
    expect((await errorOf(lost)).code).toBe('ERR_FORKFUL_WORKER_LOST');
    const pids = new Set(await Promise.all(rest));
    expect(pids.size).toBe(1);
    expect(pids.has(first)).toBe(false);
    const [now = 0] = pids;
    process.kill(now, 'SIGKILL');
    await until(() => !exists(now));
    expect(await p.apply(add, [1, 2], { key: 'k' })).toBe(3);
  });

  test('what is urgent overtakes what has not started', async () => {
    const p = pool(1);
    const blocker = p.applyAsync(more.countTogether, [notes.file, 2]);
    await notes.now.hasLines(1);
    const order: number[] = [];
    const note = (priority: number) =>
      p.apply(double, [priority], { priority }).then(() => order.push(priority));
    const all = [...range(200).map(() => note(0)), note(-1), note(5), note(9), note(5)];
    notes.now.add('go');
    await Promise.all([blocker, ...all]);
    expect(order.slice(0, 3)).toEqual([9, 5, 5]);
    expect(order.at(-1)).toBe(-1);
  });

  test('concurrency: so many asynchronous tasks at once in a worker, each with a currentTask of its own', async () => {
    const p = pool({ processes: 1, concurrency: 4 });
    const ids = await Promise.all(range(4).map(() => p.apply(more.countTogether, [notes.file, 4])));
    expect(new Set(ids).size).toBe(4);
    const together = await p.map(
      more.mostTogether,
      range(16).map(() => 10),
      { chunksize: 1 },
    );
    expect(Math.max(...together)).toBeLessThanOrEqual(4);
    expect(Math.max(...together)).toBeGreaterThan(1);
    expect(await p.map(double, range(100), { chunksize: 7 })).toEqual(range(100).map((x) => 2 * x));
  });

  test('with concurrency a death rejects what ran in that worker; what had not started runs', async () => {
    const p = pool({ processes: 1, concurrency: 2 });
    const a = p.applyAsync(more.hang);
    const b = p.applyAsync(killSelf, ['SIGKILL']);
    const rest = range(20).map((i) => p.apply(double, [i]));
    expect((await errorOf(a)).code).toBe('ERR_FORKFUL_WORKER_LOST');
    expect((await errorOf(b)).code).toBe('ERR_FORKFUL_WORKER_LOST');
    expect(await Promise.all(rest)).toEqual(range(20).map((i) => 2 * i));
  });

  test('exclusive: nothing else is in its worker, and it goes to none that has something', async () => {
    const p = pool({ processes: 2, concurrency: 4 });
    const stop = new AbortController();
    const [options, exclusive] = [{ signal: stop.signal, killAfter: 0, awaitStop: true }, true];
    const alone = errorOf(p.apply(more.hang, [], { ...options, exclusive }));
    await until(() => p.stats().running === 1 && p.stats().workers.some(({ state }) => state === 'busy'));
    const taken = p.stats().workers.find(({ state }) => state === 'busy')!.pid;
    const pids = await Promise.all(range(12).map(() => p.apply(pid)));
    expect(pids).not.toContain(taken);
    const beside = errorOf(p.apply(more.hang, [], options));
    const third = p.apply(pid, [], { exclusive });
    const fourth = p.apply(double, [4]);
    expect(p.stats().pending).toBe(2);
    stop.abort();
    expect(await fourth).toBe(8);
    expect(await third).toEqual(expect.any(Number));
    for (const stopped of [alone, beside]) expect((await stopped).name).toBe('AbortError');
    expect(await Promise.all(range(9).map((i) => p.apply(double, [i], { exclusive })))).toEqual(
      range(9).map((i) => 2 * i),
    );
  });

  test('wrong options', async () => {
    const p = pool(1);
    expect((await errorOf(p.apply(double, [1], { key: {} as never }))).message).toMatch(/"key".*string/);
    expect((await errorOf(p.apply(double, [1], { priority: 0.5 }))).message).toMatch(/"priority".*0.5/);
    expect((await errorOf(p.apply(double, [1], { exclusive: 1 as never }))).message).toMatch(
      /"exclusive".*1/,
    );
    expect(thrown(() => pool({ concurrency: 0 })).message).toMatch(/"concurrency".*0/);
  });
});
