import { AsyncLocalStorage } from 'node:async_hooks';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type { ProgressReport } from 'forkful';
import * as more from '../fixtures/pool-tasks.js';
import { busy, double, failOdd, pid } from '../fixtures/tasks.js';
import { describeEach, errorOf, until } from './methods';
import { notesOfEachTest, poolsOf, range } from './pools';

describeEach('Pool: what can be seen', ({ context }) => {
  const pool = poolsOf(context);
  const notes = notesOfEachTest();

  test('stats', async () => {
    const p = pool({ processes: 2 });
    expect(p.stats()).toMatchObject({ processes: 2, workers: [], pending: 0, running: 0, restarts: 0 });
    await p.ready();
    const running = p.applyAsync(more.noteThenHang, [notes.file]);
    await notes.now.hasLines(1);
    await p.map(double, range(10), { chunksize: 1 });
    await errorOf(p.apply(failOdd, [1]));
    const { workers, runTime, waitTime, ...totals } = p.stats();
    expect([runTime.count, waitTime.count]).toEqual([11, 11]);
    expect(totals).toEqual({
      processes: 2,
      pending: 0,
      running: 1,
      succeeded: 10,
      failed: 1,
      restarts: 0,
    });
    const hanging = workers.find(({ state }) => state === 'busy')!;
    expect(hanging.pid).toBe(Number(notes.now.lines[0]));
    expect(hanging.running).toEqual([expect.stringMatching(/^noteThenHang \(task \d+, item 0\)$/)]);
    expect(hanging.runningFor).toBeGreaterThan(0);
    expect(workers.find(({ state }) => state === 'idle')).toMatchObject({ running: [], tasks: 11 });
    if (process.platform === 'linux') expect(hanging.memory).toBeGreaterThan(2 ** 20);
    process.kill(hanging.pid, 'SIGKILL');
    await errorOf(running);
    await p.ready();
    expect(p.stats()).toMatchObject({ restarts: 1, failed: 2 });
  });

  test('how long tasks ran and had waited, of each worker and of all that there were', async () => {
    const p = pool(1);
    const nothing = { count: 0, min: 0, mean: 0, max: 0, p50: 0, p90: 0, p99: 0 };
    await p.ready();
    expect(p.stats()).toMatchObject({ runTime: nothing, waitTime: nothing });
    // The first one waits for nobody, the others for those before them.
    const LONG = 40;
    await p.map(busy, [LONG, LONG, 0, 0, 0], { chunksize: 2 });
    await errorOf(p.apply(failOdd, [1]));
    const [worker] = p.stats().workers;
    for (const { runTime, waitTime } of [worker!, p.stats()]) {
      expect([runTime.count, waitTime.count]).toEqual([6, 6]);
      // The clock of the tasks and that of the pool tick apart.
      expect(runTime.max).toBeGreaterThan(LONG * 0.9);
      expect(runTime.mean).toBeGreaterThan((LONG * 2 * 0.9) / 6);
      expect(runTime.min).toBeLessThan(LONG / 2);
      expect(runTime.p50).toBeLessThanOrEqual(runTime.p90);
      expect(runTime.p90).toBeLessThanOrEqual(runTime.p99);
      expect(waitTime.max).toBeGreaterThan(2 * LONG * 0.9);
      expect(waitTime.min).toBeLessThan(2 * LONG);
    }
    process.kill(worker!.pid, 'SIGKILL');
    await until(() => p.stats().workers.every(({ pid }) => pid !== worker!.pid));
    await p.apply(double, [1]);
    expect(p.stats().runTime.count).toBe(7);
    expect(p.stats().workers.map(({ runTime }) => runTime.count)).toEqual([1]);
  });

  test('events and diagnostics channels', async () => {
    const heard: string[] = [];
    const names = ['worker:start', 'worker:exit', 'task:submit', 'task:settle'];
    const listeners = names.map((name) => (message: unknown) => {
      if ((message as { pool: unknown }).pool === p) heard.push(name);
    });
    const p = pool(1);
    names.forEach((name, i) => subscribe(`forkful:pool:${name}`, listeners[i]!));
    const started: number[] = [];
    const ended: unknown[] = [];
    p.on('workerStart', (worker) => started.push(worker.pid));
    p.on('workerExit', (worker) => ended.push(worker));
    const worker = await p.apply(pid);
    await until(() => started.length === 1);
    expect(started).toEqual([worker]);
    await p.close();
    await until(() => ended.length === 1);
    expect(ended).toEqual([{ id: 1, pid: worker, exitCode: 0, signal: null, lost: 0 }]);
    names.forEach((name, i) => unsubscribe(`forkful:pool:${name}`, listeners[i]!));
    expect(heard.sort()).toEqual(['task:settle', 'task:submit', 'worker:exit', 'worker:start']);
  });

  test('progress', async () => {
    const p = pool(2);
    const reports: ProgressReport[] = [];
    const progress = (report: ProgressReport) => void reports.push(report);
    await p.map(double, range(100), { chunksize: 10, progress });
    await until(() => reports.at(-1)?.done === 100);
    expect(reports.at(-1)).toMatchObject({ done: 100, total: 100, eta: 0 });
    expect(reports.at(-1)!.rate).toBeGreaterThan(0);
    reports.length = 0;
    expect(await p.apply(more.progressing, [4], { progress })).toBe('done');
    await until(() => reports.at(-1)?.done === 1);
    // Not each of 0.25, 0.5 …: what is said faster than it is heard is told once.
    const values = reports.map(({ value }) => Number(value));
    expect(values.at(-1)).toBe(1);
    expect(values).toEqual([...values].sort((a, b) => a - b));
    expect(reports.flatMap(({ values: said }) => said)).toEqual([0.25, 0.5, 0.75, 1]);
    reports.length = 0;
    let last = -1;
    for await (const value of p.imap(double, new Set(range(30)), { progress })) last = value;
    expect(last).toBe(58);
    await until(() => reports.at(-1)?.done === 30);
    expect(reports.at(-1)!.total).toBe(30);
    expect((await errorOf(p.apply(double, [1], { progress: 5 as never }))).message).toMatch(/"progress".*5/);
  });

  test('AsyncLocalStorage is kept, in callbacks too', async () => {
    const p = pool(1);
    const storage = new AsyncLocalStorage<string>();
    const seen = await Promise.all(
      ['a', 'b'].map((name) =>
        storage.run(name, async () => {
          await p.apply(double, [1]);
          const awaited = storage.getStore();
          const called = await new Promise((resolve) => {
            void p.applyAsync(double, [1], { callback: () => resolve(storage.getStore()) }).wait();
          });
          const reported = await new Promise((resolve) => {
            void p.apply(double, [1], { progress: () => resolve(storage.getStore()) });
          });
          return [awaited, called, reported];
        }),
      ),
    );
    expect(seen).toEqual([
      ['a', 'a', 'a'],
      ['b', 'b', 'b'],
    ]);
  });
});
