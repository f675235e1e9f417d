import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { RemoteError, WorkerLostError, cpuCount, remoteInfo, type Pool } from 'forkful';
import * as more from '../fixtures/pool-tasks.js';
import * as tasks from '../fixtures/tasks.js';
import { hasSignals } from '../where';
import { describeEach, errorOf, exists, thrown, until } from './methods';
import { notesOfEachTest, poolsOf, range } from './pools';

/** What is kept of Python's pool, and what is mended. */
describeEach("Pool: what Python's users rely on", ({ context }) => {
  const pool = poolsOf(context);
  const notes = notesOfEachTest();

  test('as many workers as there are processors', async () => {
    const p = new context.Pool();
    expect(p.processes).toBe(cpuCount());
    await p.close();
    expect(pool({}).processes).toBe(cpuCount());
    expect(thrown(() => pool(-1)).code).toBe('ERR_FORKFUL_INVALID_ARGUMENT');
    expect(thrown(() => pool(1.5)).code).toBe('ERR_FORKFUL_INVALID_ARGUMENT');
  });

  /** How many items each of the tasks had that were handed in meanwhile. */
  async function chunksOf(p: Pool, act: () => Promise<unknown>): Promise<number[]> {
    const sizes: number[] = [];
    const note = (message: unknown) => {
      const { pool: from, items } = message as { pool: Pool; items: number };
      if (from === p) sizes.push(items);
    };
    subscribe('forkful:pool:task:submit', note);
    try {
      await act();
    } finally {
      unsubscribe('forkful:pool:task:submit', note);
    }
    return sizes;
  }

  test.each([
    [100, 4, 7],
    [10, 2, 2],
    [33, 4, 3],
    [1, 4, 1],
    [100_000, 2, 12_500],
  ])('map gives %i items to %i workers in chunks of %i', async (length, processes, size) => {
    const p = pool(processes);
    const sizes = await chunksOf(p, () => p.map(tasks.double, range(length)));
    expect(sizes.slice(0, -1).every((each) => each === size)).toBe(true);
    expect(sizes[0]).toBe(size);
    expect(sizes.reduce((sum, each) => sum + each, 0)).toBe(length);
  });

  test('imap gives items one by one', async () => {
    const p = pool(2);
    const sizes = await chunksOf(p, async () => {
      for await (const value of p.imap(tasks.double, range(5))) expect(value % 2).toBe(0);
    });
    expect(sizes).toEqual([1, 1, 1, 1, 1]);
  });

  test('of nothing the results are nothing, at once, and without a worker', async () => {
    const p = pool(2);
    expect(await p.map(tasks.double, [])).toEqual([]);
    expect(await p.starmap(tasks.add, [])).toEqual([]);
    expect(await p.mapAsync(tasks.double, new Set<number>())).toEqual([]);
    expect(await p.map(tasks.double, [], { settled: true })).toEqual([]);
    expect(await p.imap(tasks.double, []).next()).toEqual({ done: true, value: undefined });
    expect(await p.imapUnordered(tasks.double, []).next()).toEqual({ done: true, value: undefined });
    expect(p.stats().workers).toEqual([]);
  });

  test('after the first error map hands out no more', async () => {
    const p = pool(1);
    const items = range(1000).map((i) => [notes.file, `${i}`, i === 3]);
    const error = await errorOf(p.map(more.noteOrFail, items as never, { chunksize: 1 }));
    expect(error.message).toBe('failed at 3');
    expect(remoteInfo(error)).toMatchObject({ index: 3 });
    await p.close();
    expect(notes.now.lines.slice(0, 4)).toEqual(['0', '1', '2', '3']);
    expect(notes.now.lines.length).toBeLessThan(1000);
  });

  test('imapUnordered throws errors as they come, and goes on; settled yields them', async () => {
    const p = pool(2);
    const seen: unknown[] = [];
    const results = p.imapUnordered(tasks.failOdd, range(6), { chunksize: 3 });
    for (let done = false; !done;) {
      await results.next().then(
        (step) => {
          done = step.done === true;
          if (!done) seen.push(step.value);
        },
        (error: Error) => seen.push(error.message),
      );
    }
    expect(seen.map(String).sort()).toEqual(['0', '2', '4', 'odd: 1', 'odd: 3', 'odd: 5']);
    const outcomes: unknown[] = [];
    for await (const outcome of p.imap(tasks.failOdd, range(3), { settled: true })) outcomes.push(outcome);
    expect(outcomes).toEqual([
      { status: 'fulfilled', value: 0 },
      { status: 'rejected', reason: expect.objectContaining({ message: 'odd: 1' }) },
      { status: 'fulfilled', value: 2 },
    ]);
  });

  test("an input's own error comes after the results before it, and rejects a map", async () => {
    const p = pool(2);
    function* dry(): Generator<number> {
      yield 1;
      yield 2;
      throw new RangeError('dry');
    }
    async function* dryLater(): AsyncGenerator<number> {
      yield* dry();
    }
    for (const source of [dry, dryLater]) {
      for (const verb of ['imap', 'imapUnordered'] as const) {
        const results = p[verb](tasks.double, source(), { chunksize: 5 });
        const first = [(await results.next()).value, (await results.next()).value];
        expect(first.sort()).toEqual([2, 4]);
        expect((await errorOf(results.next())).message).toBe('dry');
        expect(await results.next()).toEqual({ done: true, value: undefined });
      }
      expect(await errorOf(p.map(tasks.double, source()))).toMatchObject({
        name: 'RangeError',
        message: 'dry',
      });
    }
    expect(await p.apply(tasks.double, [1])).toBe(2);
  });

  test.each(['imap', 'imapUnordered'] as const)(
    'who leaves an %s loop, also by an error, drops what has not started',
    async (verb) => {
      const p = pool(1);
      const items = (fails: number) => range(1000).map((i) => [notes.file, `${i}`, i === fails] as const);
      let closed = false;
      function* closing(): Generator<readonly [string, string, boolean]> {
        try {
          yield* items(-1);
        } finally {
          closed = true;
        }
      }
      for await (const value of p[verb](more.noteOrFailSlowly, closing())) {
        expect(value).toBe('noted');
        break;
      }
      expect(closed).toBe(true);
      await until(() => p.stats().pending + p.stats().running === 0);
      const before = notes.now.lines.length;
      expect(before).toBeLessThan(64);
      const error = await errorOf(
        (async () => {
          for await (const value of p[verb](more.noteOrFailSlowly, items(1))) expect(value).toBe('noted');
        })(),
      );
      expect(error.message).toBe('failed at 1');
      await until(() => p.stats().pending + p.stats().running === 0);
      expect(notes.now.lines.length - before).toBeLessThan(64);
    },
  );

  test.each(['imap', 'imapUnordered'] as const)(
    'who goes on with %s long after an error misses nothing, and nothing is run twice',
    async (verb) => {
      const p = pool(2);
      const items = range(200).map((i) => [notes.file, `${i}`, i % 50 === 7] as const);
      const results = p[verb](more.noteOrFailSlowly, items, { chunksize: 3 });
      const seen: string[] = [];
      for (let done = false; !done;) {
        await results.next().then(
          (step) => {
            done = step.done === true;
            if (!done) seen.push('noted');
          },
          async (error: Error) => {
            seen.push(error.message);
            // At the first one all that was handed in comes back first.
            if (seen.length < 100) await until(() => p.stats().pending + p.stats().running === 0);
          },
        );
      }
      expect(seen).toHaveLength(200);
      expect(seen.filter((each) => each !== 'noted').sort()).toEqual(
        [107, 157, 57, 7].map((i) => `failed at ${i}`),
      );
      expect(notes.now.lines.map(Number).sort((a, b) => a - b)).toEqual(range(200));
    },
  );

  test('an error arrives with its class, message, properties, cause and stack; and tells where it was', async () => {
    const p = pool(1);
    const worker = await p.apply(tasks.pid);
    const error = await errorOf(p.apply(tasks.fail, ['no']));
    expect(error).toBeInstanceOf(RangeError);
    expect(error).toMatchObject({ name: 'RangeError', message: 'no', code: 'E_TEST', extra: [1] });
    expect(error.cause).toBeInstanceOf(Error);
    expect((error.cause as Error).message).toBe('the reason');
    const stack = error.stack!;
    expect(stack.split('\n')[0]).toBe('RangeError: no');
    expect(stack.indexOf('tasks.js')).toBeGreaterThan(0);
    expect(stack.indexOf('pool-python.test')).toBeGreaterThan(stack.indexOf('tasks.js'));
    const mapped = await errorOf(p.map(tasks.fail, ['no', 'no'], { chunksize: 1 }));
    expect(mapped.stack).toMatch(/at .*tasks\.js[^]*--- handed in ---\n +at Pool\.map [^]*pool-python\.test/);
    expect(remoteInfo(error)).toEqual({ pid: worker, worker: 1, index: 0, attempt: 1 });
    expect(remoteInfo(new Error('mine'))).toBeUndefined();
    const again = await errorOf(p.apply(more.dieThenFail, [], { retries: 1 }));
    expect(remoteInfo(again)).toEqual({ pid: expect.any(Number), worker: 2, index: 0, attempt: 2 });
  });

  test('an error of a class that only the worker knows arrives as RemoteError', async () => {
    const p = pool(1);
    const error = await errorOf(p.apply(more.throwOwnError, ['lost']));
    expect(error).toBeInstanceOf(RemoteError);
    expect(error).toMatchObject({ name: 'DatabaseError', message: 'lost', table: 'users' });
    expect(error.stack).toContain('pool-tasks.js');
    expect(await p.apply(tasks.add, [1, 1])).toBe(2);
  });

  test('a lost worker says who, how and what', async () => {
    const p = pool({ processes: 1, stdio: 'ignore' });
    const pid = await p.apply(tasks.pid);
    const error = await errorOf(p.apply(tasks.exit, [3]));
    expect(error).toBeInstanceOf(WorkerLostError);
    expect(error).toMatchObject({ pid, exitCode: 3, signal: null });
    expect(error['task']).toMatch(/^exit \(task \d+, item 0\)$/);
    expect(remoteInfo(error)).toEqual({ pid, worker: 1, index: 0, attempt: 1 });
  });

  test('nothing is run twice, whether its worker was lost while it ran or before', async () => {
    const p = pool({ processes: 2, stdio: 'ignore' });
    const results = range(60).map((i) =>
      p.apply(i % 20 === 7 ? more.noteThenDie : more.noteThenReturn, [notes.file, `${i}`]),
    );
    const outcomes = await Promise.allSettled(results);
    expect(outcomes.flatMap(({ status }, i) => (status === 'rejected' ? [i] : []))).toEqual([7, 27, 47]);
    expect(notes.now.lines.map(Number).sort((a, b) => a - b)).toEqual(range(60));
  });

  test('a failing initializer is called once in each worker that there was, not for ever', async () => {
    const p = pool({
      processes: 2,
      initializer: more.noteAndFail,
      initargs: [notes.file],
      stdio: 'ignore',
    });
    expect((await errorOf(p.apply(tasks.pid))).message).toBe('no database');
    expect((await errorOf(p.apply(tasks.pid))).message).toBe('no database');
    expect((await errorOf(p.map(tasks.double, range(100), { chunksize: 1 }))).message).toBe('no database');
    await p.close();
    expect(notes.now.lines.length).toBeGreaterThanOrEqual(1);
    expect(notes.now.lines.length).toBeLessThanOrEqual(2);
  });

  test('a callback is called once, with all results or the error', async () => {
    const p = pool(2);
    const called: unknown[] = [];
    const callback = (value: unknown) => void called.push(value);
    const errorCallback = (error: unknown) => void called.push((error as Error).message);
    await p.starmapAsync(
      tasks.add,
      range(20).map((i) => [i, 1] as const),
      { chunksize: 1, callback, errorCallback },
    );
    await errorOf(p.mapAsync(tasks.failOdd, range(20), { chunksize: 1, callback, errorCallback }));
    await p.mapAsync(tasks.double, [], { callback, errorCallback });
    await until(() => called.length === 3);
    await p.close();
    expect(called).toEqual([range(20).map((i) => i + 1), expect.stringMatching(/^odd: \d+$/), []]);
  });

  test('the end of its block terminates a pool: at once, whatever runs', async () => {
    const p = pool({ processes: 2, killAfter: 60_000 });
    await p.ready();
    const exits: unknown[] = [];
    p.on('workerExit', ({ exitCode, signal }) => exits.push(hasSignals ? exitCode : signal));
    const pids = p.stats().workers.map(({ pid }) => pid);
    const hanging = range(100).map(() => p.applyAsync(more.sleep, [60_000]));
    const before = performance.now();
    await p[Symbol.asyncDispose]();
    expect(performance.now() - before).toBeLessThan(5000);
    expect(pids.filter(exists)).toEqual([]);
    for (const task of hanging) expect((await errorOf(task)).code).toBe('ERR_FORKFUL_POOL_TERMINATED');
    await until(() => exits.length === 2);
    if (hasSignals) expect(exits).toEqual([-15, -15]);
    expect((await errorOf(p.map(tasks.double, [1]))).code).toBe('ERR_FORKFUL_INVALID_STATE');
  });

  test('join while it runs and work after close are refused; all may be asked for again', async () => {
    const p = pool(1);
    expect((await errorOf(p.join())).message).toContain('close() or terminate()');
    const last = p.apply(more.sleep, [20]);
    await Promise.all([p.close(), p.close(), p.join(), last]);
    for (const late of [
      p.apply(tasks.pid),
      p.map(tasks.double, [1]),
      p.starmap(tasks.add, [[1, 2]]),
      p.broadcast(tasks.pid),
      p.ready(),
      p.stream(more.count, [1]).next(),
    ])
      expect(await errorOf(late)).toMatchObject({
        code: 'ERR_FORKFUL_INVALID_STATE',
        message: expect.stringContaining('not running'),
      });
    expect(thrown(() => p.imap(tasks.double, [1])).code).toBe('ERR_FORKFUL_INVALID_STATE');
    await Promise.all([p.terminate(), p.terminate(), p.close(), p.join()]);
  });

  test('a constructor that fails leaves no worker behind', () => {
    const wrong = {
      minProcesses: 2,
      processes: 2,
      initializer: more.noteStart,
      initargs: [notes.file, 'up'],
      context: { method: 'clone' as never },
    };
    expect(thrown(() => pool(wrong)).code).toBe('ERR_FORKFUL_INVALID_ARGUMENT');
    expect(thrown(() => pool({ ...wrong, context: context, cwd: 5 as never })).message).toMatch(/"cwd".*5/);
    expect(thrown(() => pool({ ...wrong, context: context, env: 5 as never })).message).toMatch(/"env".*5/);
    expect(notes.now.lines).toEqual([]);
  });

  test('workers are daemons, by the names of PoolWorker-N', async () => {
    const env = { ...process.env, FORKFUL_TEST: 'of the pool' };
    const p = pool({ processes: 2, env, cwd: '/', context });
    const workers = await p.broadcast(tasks.self);
    expect(workers.map(({ name }) => name)).toEqual(['PoolWorker-1', 'PoolWorker-2']);
    expect(workers[0]).toMatchObject({ daemon: true, isMainProcess: false, env: 'of the pool', cwd: '/' });
  });
});
