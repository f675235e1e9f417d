import { once } from 'node:events';
import * as more from '../fixtures/pool-tasks.js';
import { double } from '../fixtures/tasks.js';
import { describeEach, errorOf, thrown } from './methods';
import { notesOfEachTest, poolsOf, range } from './pools';

describeEach('Pool: back-pressure', ({ context, method }) => {
  const pool = poolsOf(context);
  const notes = notesOfEachTest();

  test('past maxPending apply rejects with FullError until drain; map and imap wait', async () => {
    const p = pool({ processes: 1, maxPending: 3 });
    const running = p.apply(more.countTogether, [notes.file, 2]);
    await notes.now.hasLines(1);
    const waiting = range(3).map((i) => p.apply(double, [i]));
    const error = await errorOf(p.apply(double, [9]));
    expect(error.code).toBe('ERR_FORKFUL_FULL');
    expect(error.message).toContain('maxPending');
    expect((await errorOf(p.stream(more.count, [3]).next())).code).toBe('ERR_FORKFUL_FULL');
    const all = p.map(double, range(50), { chunksize: 1 });
    const drain = once(p, 'drain');
    notes.now.add('go');
    await drain;
    expect(await Promise.all(waiting)).toEqual([0, 2, 4]);
    expect(await all).toEqual(range(50).map((x) => 2 * x));
    await running;
    const seen: number[] = [];
    for await (const value of p.imap(double, range(300))) seen.push(value);
    expect(seen).toEqual(range(300).map((x) => 2 * x));
    if (method !== 'fork') {
      expect(p.mapSync(double, range(40), { chunksize: 1 })).toEqual(range(40).map((x) => 2 * x));
      expect([...p.imapSync(double, range(200))]).toEqual(range(200).map((x) => 2 * x));
    }
    expect(await p.apply(double, [9])).toBe(18);
  });

  test('what waits for room is settled when the pool ends or breaks', async () => {
    const p = pool({ processes: 1, maxPending: 1 });
    const blocked = p.map(more.hang, range(10), { chunksize: 1 });
    const iterated = p.imap(more.hang, range(10)).next();
    const ended = p.terminate();
    expect((await errorOf(blocked)).code).toBe('ERR_FORKFUL_POOL_TERMINATED');
    expect((await errorOf(iterated)).code).toMatch(/POOL_TERMINATED|INVALID_STATE/);
    await ended;
  });

  test('an iteration of any length needs the memory of a short one', async () => {
    const p = pool(2);
    let taken = 0;
    let most = 0;
    let consumed = 0;
    function* numbers(): Generator<number> {
      while (taken < 100_000) {
        most = Math.max(most, taken - consumed);
        yield taken++;
      }
    }
    let sum = 0;
    for await (const value of p.imap(double, numbers(), { chunksize: 50 })) {
      sum += value;
      consumed++;
    }
    expect(sum).toBe(99_999 * 100_000);
    expect(most).toBeLessThanOrEqual(8 * 2 * 50 + 50);
  });

  test('wrong options', () => {
    expect(thrown(() => pool({ maxPending: 0 })).message).toMatch(/"maxPending".*0/);
  });
});
