import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import * as more from '../fixtures/pool-tasks.js';
import { busy, double, pid } from '../fixtures/tasks.js';
import { argumentsFor, describeEach, errorOf, exists, thrown, until } from './methods';
import { notesOfEachTest, poolsOf, range } from './pools';

describeEach('Pool: the economy of workers', ({ backend, method, context }) => {
  const pool = poolsOf(context);
  const notes = notesOfEachTest();

  test('maxTasksPerChild: the last task of a worker is its last, whatever waits beside it', async () => {
    const p = pool({ processes: 1, maxTasksPerChild: 1, concurrency: 4 });
    const pids = new Set<number>();
    for (let i = 0; i < 12; i++) pids.add(await p.apply(pid));
    expect(pids.size).toBe(12);
    const together = pool({ processes: 1, maxTasksPerChild: 2, concurrency: 50 });
    expect(new Set(await Promise.all(range(20).map(() => together.apply(pid)))).size).toBe(10);
  });

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

  test('startWorker, endWorker and the option "worker": who decides what runs where', async () => {
    const p = pool(2);
    const [first, second] = [p.startWorker()!, p.startWorker()!];
    expect(p.startWorker()).toBeUndefined();
    expect(p.stats().workers.map(({ id }) => id)).toEqual([first, second]);
    const pids = await Promise.all([first, second, first].map((worker) => p.apply(pid, [], { worker })));
    expect(pids[0]).toBe(pids[2]);
    expect(pids[0]).not.toBe(pids[1]);
    const running = errorOf(p.apply(more.noteThenHang, [notes.file], { worker: first }));
    await notes.now.hasLines(1);
    expect(p.endWorker(first)).toBe(true);
    expect(await running).toMatchObject({ code: 'ERR_FORKFUL_WORKER_LOST', pid: pids[0] });
    await until(() => !exists(pids[0]!));
    expect(p.endWorker(first)).toBe(false);
    expect((await errorOf(p.apply(pid, [], { worker: first }))).message).toMatch(
      /no worker 1 that takes tasks/,
    );
    expect(await p.apply(pid, [], { worker: second })).toBe(pids[1]);
    expect(thrown(() => p.endWorker('1' as never)).message).toMatch(/endWorker argument "id"/);
    expect((await errorOf(p.apply(pid, [], { worker: 0 }))).message).toMatch(/"worker" must be an integer/);
  });

  test('eachWorker: what one worker has otherwise than the others', async () => {
    const p = pool({
      processes: 1,
      initializer: more.note,
      initargs: [notes.file, 'of the pool'],
      eachWorker: (id) =>
        id === 1
          ? undefined
          : {
              initargs: [notes.file, `of worker ${id}`],
              env: { ...process.env, FORKFUL_TEST: `worker ${id}` },
            },
    });
    expect(await p.apply(more.environment, ['FORKFUL_TEST'])).toBeUndefined();
    process.kill(await p.apply(pid), 'SIGKILL');
    await until(() => p.stats().workers.length === 0);
    expect(await p.apply(more.environment, ['FORKFUL_TEST'])).toBe('worker 2');
    expect(notes.now.lines).toEqual(['of the pool', 'of worker 2']);

    const failing = pool({
      processes: 1,
      eachWorker: () => {
        throw new RangeError('no worker');
      },
    });
    expect((await errorOf(failing.apply(double, [1]))).message).toBe('no worker');
    const wrong = pool({ processes: 1, eachWorker: () => ({ cpus: 1 }) as never });
    expect((await errorOf(wrong.apply(double, [1]))).message).toMatch(/"eachWorker" returns.*"cpus"/);
    expect(thrown(() => pool({ eachWorker: 5 as never })).message).toMatch(/"eachWorker" must be a function/);
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

  // Only a main thread can be forked.
  if (method !== 'fork' && (method === 'spawn' || backend === 'native')) {
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

  test('pools in workers of a cluster', () => {
    const program = join(__dirname, '..', 'fixtures', 'pool-cluster.cjs');
    const env = { ...process.env, FORKFUL_BACKEND: backend };
    const out = execFileSync(process.execPath, [...argumentsFor(method), program, method], {
      encoding: 'utf8',
      env,
      timeout: 25_000,
    });
    expect(out).toBe('2 4 6\n');
  });

  test('wrong options', () => {
    expect(thrown(() => pool({ processes: 2, minProcesses: 3 })).message).toMatch(/"minProcesses".*3/);
    expect(thrown(() => pool({ maxTasksPerChild: 0 })).message).toMatch(/"maxTasksPerChild".*0/);
    expect(thrown(() => pool({ idleTimeout: 'x' as never })).message).toMatch(/"idleTimeout".*"x"/);
    expect(thrown(() => pool({ preload: [5 as never] })).message).toMatch(/"preload"\[0\].*5/);
  });
});
