import { Pool, remoteInfo, type PoolOptions, type WorkerLostError } from 'forkful';
import * as tasks from '../fixtures/tasks.js';
import { hasSignals } from '../where';
import { describeEach, errorOf, exists, thrown, until } from './methods';

describeEach('Pool', ({ context }) => {
  const pools: Pool[] = [];

  function pool(options: number | PoolOptions = 2): Pool {
    const made = new context.Pool(options);
    pools.push(made);
    return made;
  }

  afterEach(async () => {
    await Promise.all(pools.splice(0).map((made) => made.terminate()));
  });

  const range = (n: number) => Array.from({ length: n }, (_, i) => i);

  test('apply, map, starmap', async () => {
    const p = pool();
    expect(await p.apply(tasks.add, [1, 2])).toBe(3);
    expect(await p.apply(tasks.later, [1, 'x'])).toBe('x');
    expect(await p.map(tasks.double, range(100))).toEqual(range(100).map((x) => 2 * x));
    expect(await p.map(tasks.double, range(10), { chunksize: 3 })).toEqual(range(10).map((x) => 2 * x));
    expect(
      await p.starmap(
        tasks.add,
        range(9).map((i) => [i, 1] as const),
      ),
    ).toEqual(range(9).map((i) => i + 1));
    expect(await p.map(tasks.double, [])).toEqual([]);
    expect(await p.map(tasks.double, new Set([1, 2]))).toEqual([2, 4]);
    expect(await p.apply(new tasks.Adder(5), [1])).toBe(6);
    expect(await p.apply(tasks.pointLength, [new tasks.Point(3, 4)])).toBe(5);
  });

  test('more tasks than workers, in more than one process', async () => {
    const p = pool();
    await p.ready();
    const pids = new Set(
      await p.map(
        tasks.busy,
        range(40).map(() => 5),
        { chunksize: 1 },
      ),
    );
    expect(pids.size).toBe(2);
    expect(pids.has(process.pid)).toBe(false);
  });

  test('20,000 tasks at once', async () => {
    const p = pool();
    const results = range(20_000).map((i) => p.applyAsync(tasks.double, [i]));
    const values = await Promise.all(results);
    expect(values.every((value, i) => value === 2 * i)).toBe(true);
  });

  test('a failing item rejects map with its error; settled gives all', async () => {
    const p = pool();
    const error = await errorOf(p.map(tasks.failOdd, [0, 2, 3, 4], { chunksize: 1 }));
    expect(error.message).toBe('odd: 3');
    expect(remoteInfo(error)).toMatchObject({ index: 2, attempt: 1 });
    const outcomes = await p.map(tasks.failOdd, range(4), { settled: true, chunksize: 2 });
    expect(outcomes.map((outcome) => outcome.status)).toEqual([
      'fulfilled',
      'rejected',
      'fulfilled',
      'rejected',
    ]);
    expect((outcomes[3] as PromiseRejectedResult).reason.message).toBe('odd: 3');
  });

  test('imap gives results and errors in their places and can go on', async () => {
    const p = pool();
    const seen: unknown[] = [];
    const results = p.imap(tasks.failOdd, range(6), { chunksize: 2 });
    for (;;) {
      try {
        const { done, value } = await results.next();
        if (done === true) break;
        seen.push(value);
      } catch (error) {
        seen.push((error as Error).message);
      }
    }
    expect(seen).toEqual([0, 'odd: 1', 2, 'odd: 3', 4, 'odd: 5']);
  });

  test('imapUnordered gives them as they finish', async () => {
    const p = pool();
    await p.ready();
    const order: number[] = [];
    for await (const ms of p.imapUnordered(tasks.later as (ms: number) => Promise<number>, [400]))
      expect(ms).toBeUndefined();
    // Long enough for the other worker to get its turn on a busy machine.
    for await (const pid of p.imapUnordered(tasks.busy, [5000, 1, 1, 1])) order.push(pid);
    expect(new Set(order).size).toBe(2);
    expect(order[3]).not.toBe(order[0]);
  });

  test('imap takes input from (async) iterables with bounded look-ahead; its errors appear in place', async () => {
    const p = pool();
    let taken = 0;
    async function* source(): AsyncGenerator<number> {
      for (;;) {
        await null;
        yield taken++;
      }
    }
    const got: number[] = [];
    for await (const value of p.imap(tasks.double, source())) {
      got.push(value);
      if (got.length === 10) break;
    }
    expect(got).toEqual(range(10).map((x) => 2 * x));
    expect(taken).toBeLessThan(200);
    function* failing(): Generator<number> {
      yield 1;
      yield 2;
      throw new Error('the source is dry');
    }
    const results = p.imap(tasks.double, failing());
    expect(await results.next()).toEqual({ done: false, value: 2 });
    expect(await results.next()).toEqual({ done: false, value: 4 });
    expect((await errorOf(results.next())).message).toBe('the source is dry');
    expect(await results.next()).toEqual({ done: true, value: undefined });
  });

  test('AsyncResult: get, wait, ready, successful, callbacks', async () => {
    const p = pool();
    const called: unknown[] = [];
    const result = p.applyAsync(tasks.later, [50, 'v'], { callback: (value) => called.push(value) });
    expect(result.ready()).toBe(false);
    expect(thrown(() => result.successful()).code).toBe('ERR_FORKFUL_INVALID_STATE');
    expect((await errorOf(result.get({ timeout: 1 }))).code).toBe('ERR_FORKFUL_TIMEOUT');
    await result.wait({ timeout: 1 });
    expect(await result.get({ timeout: 20_000 })).toBe('v');
    expect(await result).toBe('v');
    expect([result.ready(), result.successful()]).toEqual([true, true]);
    const failing = p.applyAsync(tasks.fail, ['x'], {
      errorCallback: (error) => called.push((error as Error).message),
    });
    await failing.wait();
    expect(failing.successful()).toBe(false);
    expect((await errorOf(failing)).message).toBe('x');
    expect((await errorOf(failing.get())).message).toBe('x');
    expect(called).toEqual(['v', 'x']);
    expect(await p.mapAsync(tasks.double, [1, 2], { callback: (all) => called.push(all) })).toEqual([2, 4]);
    expect(called[2]).toEqual([2, 4]);
  });

  const deaths: [string, unknown, unknown[], Partial<WorkerLostError>][] = [
    ['exit(3)', tasks.exit, [3], { exitCode: 3, signal: null }],
    [
      'SIGKILL',
      tasks.killSelf,
      ['SIGKILL'],
      hasSignals ? { exitCode: -9, signal: 'SIGKILL' } : { exitCode: 1, signal: null },
    ],
    [
      'abort',
      tasks.abort,
      [],
      hasSignals ? { exitCode: -6, signal: 'SIGABRT' } : { exitCode: 134, signal: null },
    ],
    ['a throw in a timer', tasks.throwInTimer, [], { exitCode: 1 }],
  ];
  test.each(deaths)(
    'a worker that ends by %s rejects what it was running; the rest goes on',
    async (_, fn, args, fields) => {
      const p = pool({ processes: 2, stdio: 'ignore' });
      const before = range(20).map((i) => p.applyAsync(tasks.double, [i]));
      const doomed = p.applyAsync(fn as never, args as never);
      const after = range(20).map((i) => p.applyAsync(tasks.double, [i]));
      const error = await errorOf(doomed);
      expect(error).toMatchObject({ code: 'ERR_FORKFUL_WORKER_LOST', ...fields });
      expect(await Promise.all([...before, ...after])).toEqual(
        [...range(20), ...range(20)].map((i) => 2 * i),
      );
      expect(await p.apply(tasks.add, [1, 1])).toBe(2);
    },
  );

  test('of a chunk only the item that ran is lost', async () => {
    const p = pool({ processes: 1, stdio: 'ignore' });
    const outcomes = await p.map(tasks.killIfBad, range(10), { chunksize: 10, settled: true });
    expect(outcomes.map(({ status }) => status)).toEqual(
      range(10).map((i) => (i === 5 ? 'rejected' : 'fulfilled')),
    );
    const { reason } = outcomes[5] as PromiseRejectedResult;
    expect(reason.code).toBe('ERR_FORKFUL_WORKER_LOST');
    expect(reason.task).toContain('item 5');
  });

  test('a stack overflow and unserializable values are ordinary errors', async () => {
    const p = pool();
    expect((await errorOf(p.apply(tasks.overflow))).name).toBe('RangeError');
    expect((await errorOf(p.apply(tasks.returnFunction))).code).toBe('ERR_FORKFUL_SERIALIZATION');
    expect((await errorOf(p.apply(tasks.identity, [() => 1]))).message).toContain('args[0]');
    expect((await errorOf(p.map(tasks.identity, [1, Symbol('s')]))).code).toBe('ERR_FORKFUL_SERIALIZATION');
    expect((await errorOf(p.apply(tasks.makeFunction()))).code).toBe('ERR_FORKFUL_FUNCTION_REFERENCE');
    expect(await p.apply(tasks.add, [1, 1])).toBe(2);
  });

  test('nothing waits behind a long task while another worker is idle', async () => {
    const p = pool();
    await p.ready();
    const long = p.applyAsync(tasks.busy, [3000]);
    const short = range(200).map((i) => p.applyAsync(tasks.double, [i]));
    await Promise.all(short);
    expect(long.ready()).toBe(false);
  });

  test('initializer', async () => {
    const p = pool({ processes: 2, initializer: tasks.initialise, initargs: [5] });
    expect(await p.map(tasks.initialised, range(8), { chunksize: 1 })).toEqual(range(8).map(() => 5));
    const queue = new context.Queue<string>();
    const q = pool({ processes: 1, initializer: tasks.produce, initargs: [queue, 'worker', 1] });
    await q.ready();
    expect(await queue.get()).toEqual({ from: 'worker', i: 0 });
    queue.close();
  });

  test('a failing initializer rejects what is pending with its error; no respawn loop', async () => {
    const p = pool({ processes: 2, initializer: tasks.failToInitialise, stdio: 'ignore' });
    const results = range(5).map((i) => p.applyAsync(tasks.double, [i]));
    for (const result of results)
      expect(await errorOf(result)).toMatchObject({ name: 'TypeError', message: 'no database' });
    expect((await errorOf(p.apply(tasks.double, [1]))).message).toBe('no database');
    let failed = 0;
    for await (const outcome of p.imapUnordered(tasks.double, range(500), { settled: true })) {
      if (outcome.status === 'rejected') failed++;
    }
    expect(failed).toBe(500);
    const q = pool({ processes: 1, initializer: tasks.exitWhileInitialising, stdio: 'ignore' });
    expect(await errorOf(q.apply(tasks.double, [1]))).toMatchObject({
      code: 'ERR_FORKFUL_WORKER_LOST',
      exitCode: 7,
    });
  });

  test('a module that throws while it loads', async () => {
    const p = pool({ processes: 1 });
    const error = await errorOf(
      p.apply({ module: require.resolve('../fixtures/throws-on-load.js'), name: 'f' }),
    );
    expect(error.code).toBe('ERR_FORKFUL_FUNCTION_REFERENCE');
    expect((error.cause as Error).message).toBe('this module cannot be loaded');
  });

  test('close, join, terminate', async () => {
    const p = pool();
    expect((await errorOf(p.join())).code).toBe('ERR_FORKFUL_INVALID_STATE');
    const pids = await p.map(tasks.pid, range(10), { chunksize: 1 });
    const result = p.applyAsync(tasks.later, [50, 'done']);
    const closed = p.close();
    expect((await errorOf(p.apply(tasks.pid))).code).toBe('ERR_FORKFUL_INVALID_STATE');
    expect(await result).toBe('done');
    await closed;
    await p.join();
    await p.close();
    for (const pid of pids) expect(exists(pid)).toBe(false);
    const q = pool();
    const hanging = range(100).map(() => q.applyAsync(tasks.busy, [60_000]));
    const terminated = q.terminate();
    for (const task of hanging) expect((await errorOf(task)).code).toBe('ERR_FORKFUL_POOL_TERMINATED');
    await terminated;
    await q.terminate();
    await pool().close();
  });

  test('a killed idle worker is made good', async () => {
    const p = pool(1);
    const first = await p.apply(tasks.pid);
    process.kill(first, 'SIGKILL');
    await until(() => !exists(first));
    const second = await p.apply(tasks.pid);
    expect(second).not.toBe(first);
  });

  test('wrong options', async () => {
    expect(thrown(() => new Pool(0)).message).toMatch(/"processes".*at least|from 1/);
    expect(thrown(() => new Pool('2' as never)).message).toMatch(/"processes".*integer.*"2"/);
    expect(thrown(() => new Pool({ workers: 2 } as never)).message).toMatch(/"workers"/);
    expect(thrown(() => new Pool({ initializer: 3 } as never)).code).toBe('ERR_FORKFUL_FUNCTION_REFERENCE');
    const p = pool(1);
    expect((await errorOf(p.map(tasks.double, 5 as never))).message).toMatch(/"items".*iterable.*5/);
    expect((await errorOf(p.map(tasks.double, [1], { chunksize: 0 }))).message).toMatch(/"chunksize".*0/);
    expect((await errorOf(p.apply(tasks.double, 5 as never))).message).toMatch(/"args".*array.*5/);
    expect((await errorOf(p.starmap(tasks.add, [5] as never))).message).toMatch(/item 0.*array/);
  });
});
