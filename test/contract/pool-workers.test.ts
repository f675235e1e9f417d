import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import * as more from '../fixtures/pool-tasks.js';
import { busy, double, pid } from '../fixtures/tasks.js';
import { describeEach, errorOf, exists, thrown, until } from './methods';
import { notesOfEachTest, poolsOf, range } from './pools';

describeEach('Pool: the economy of workers', ({ backend, method, context }) => {
  const pool = poolsOf(context);
  const notes = notesOfEachTest();

  test('maxTasksPerChild counts tasks, not chunks', async () => {
    const p = pool({ processes: 1, maxTasksPerChild: 3 });
    const pids = await p.map(pid, range(10), { chunksize: 10 });
    const runs = [...new Set(pids)].map((each) => pids.filter((other) => other === each).length);
    expect(runs).toEqual([3, 3, 3, 1]);
    const single: unknown[] = [];
    for (const i of range(7)) single.push(await p.apply(double, [i]));
    expect(single).toEqual(range(7).map((x) => 2 * x));
    const many = pool({ processes: 2, maxTasksPerChild: 5, concurrency: 2 });
    expect(await Promise.all(range(100).map((i) => many.apply(double, [i])))).toEqual(
      range(100).map((x) => 2 * x),
    );
    await many.close();
  });

  test('maxMemoryPerChild replaces a worker after the task that made it large', async () => {
    const p = pool({ processes: 1, maxMemoryPerChild: 400 * 2 ** 20 });
    const [first] = await p.apply(more.grow, [50 * 2 ** 20]);
    expect(await p.apply(pid)).toBe(first);
    const [same, length] = await p.apply(more.grow, [500 * 2 ** 20]);
    expect([same, length]).toEqual([first, 500 * 2 ** 20]);
    expect(await p.apply(pid)).not.toBe(first);
    await until(() => !exists(first!));
  });

  test('idle workers end, but for minProcesses', async () => {
    const p = pool({ processes: 3, minProcesses: 1, idleTimeout: 50 });
    const pids = new Set(await p.broadcast(pid));
    expect(pids.size).toBe(3);
    await until(() => [...pids].filter(exists).length === 1);
    expect(await p.map(double, range(10), { chunksize: 1 })).toEqual(range(10).map((x) => 2 * x));
  });

  test('minProcesses are there at once, and again', async () => {
    const p = pool({
      processes: 2,
      minProcesses: 2,
      initializer: more.noteStart,
      initargs: [notes.file, 'up'],
    });
    await notes.now.hasLines(2);
    const worker = await p.apply(pid);
    process.kill(worker, 'SIGKILL');
    await notes.now.hasLines(3);
  });

  test('resize', async () => {
    const p = pool(1);
    const blocked = p.applyAsync(more.countTogether, [notes.file, 3]);
    await notes.now.hasLines(1);
    p.resize(3);
    expect(p.processes).toBe(3);
    const others = [
      p.applyAsync(more.countTogether, [notes.file, 3]),
      p.applyAsync(more.countTogether, [notes.file, 3]),
    ];
    await Promise.all([blocked, ...others]);
    const pids = await p.broadcast(pid);
    const result = p.map(
      busy,
      range(20).map(() => 5),
      { chunksize: 1 },
    );
    p.resize(1);
    expect(await result).toHaveLength(20);
    await until(() => pids.filter(exists).length === 1);
    expect(await p.map(double, range(5))).toEqual([0, 2, 4, 6, 8]);
    expect(thrown(() => p.resize(0)).message).toMatch(/"processes".*0/);
    await p.close();
    expect(thrown(() => p.resize(2)).code).toBe('ERR_FORKFUL_INVALID_STATE');
  });

  test('finalizer runs in every worker that ends in good order', async () => {
    const env = { ...process.env, FORKFUL_TEST: notes.file };
    const p = pool({ processes: 2, finalizer: more.noteEnd, env });
    await p.ready();
    await p.close();
    expect(notes.now.lines).toEqual(['finalized', 'finalized']);
    const q = pool({ processes: 1, finalizer: more.noteEnd, maxTasksPerChild: 1, env });
    await q.apply(double, [1]);
    await notes.now.hasLines(3);
    const hanging = pool({ processes: 1, finalizer: more.hang, taskTimeout: 200 });
    await hanging.apply(double, [1]);
    await hanging.close();
  });

  test('preload and warmup come before the first task', async () => {
    const p = pool({
      processes: 1,
      preload: [require.resolve('../fixtures/queues.js')],
      warmup: more.warmUp,
    });
    expect(await p.apply(more.hasLoaded, ['queues.js'])).toBe(true);
    expect((await p.apply(more.getMark))[1]).toBe('warm');
    const failing = pool({
      processes: 1,
      preload: [require.resolve('../fixtures/throws-on-load.js')],
      stdio: 'ignore',
    });
    expect((await errorOf(failing.apply(double, [1]))).message).toBe('this module cannot be loaded');
    expect(thrown(() => pool({ preload: ['./nowhere-to-be-found.js'] })).code).toBe(
      'ERR_FORKFUL_FUNCTION_REFERENCE',
    );
  });

  test('pools in workers of pools', async () => {
    const p = pool(2);
    expect(await p.map(more.nested, [3, 4], { chunksize: 1 })).toEqual([
      [0, 2, 4],
      [0, 2, 4, 6],
    ]);
  });

  if (method === 'spawn' || backend === 'native') {
    test('pools in worker threads', async () => {
      const worker = new Worker(join(__dirname, '..', 'fixtures', 'pool-thread.cjs'), {
        workerData: { method },
        env: { ...process.env, FORKFUL_BACKEND: backend },
      });
      const answer = await new Promise((resolve, reject) => {
        worker.on('message', resolve);
        worker.on('error', reject);
      });
      expect(answer).toEqual([0, 2, 4, 6]);
      await worker.terminate();
    });
  }

  test('wrong options', () => {
    expect(thrown(() => pool({ processes: 2, minProcesses: 3 })).message).toMatch(/"minProcesses".*3/);
    expect(thrown(() => pool({ maxTasksPerChild: 0 })).message).toMatch(/"maxTasksPerChild".*0/);
    expect(thrown(() => pool({ idleTimeout: 'x' as never })).message).toMatch(/"idleTimeout".*"x"/);
    expect(thrown(() => pool({ preload: [5 as never] })).message).toMatch(/"preload"\[0\].*5/);
  });
});
