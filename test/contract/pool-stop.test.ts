import { type TaskOptions, currentTask } from 'forkful';
import * as tasks from '../fixtures/pool-tasks.js';
import { double, pid } from '../fixtures/tasks.js';
import { hasSignals } from '../where';
import { describeEach, errorOf, exists, thrown, until } from './methods';
import { notesOfEachTest, poolsOf, range } from './pools';

describeEach('Pool: stopping tasks', ({ context }) => {
  const pool = poolsOf(context);
  const notes = notesOfEachTest();

  test('an abort rejects at once with its reason; the task learns of it, and its worker goes on', async () => {
    const p = pool(1);
    const worker = await p.apply(pid);
    const controller = new AbortController();
    const task = p.apply(tasks.waitUntilAborted, [notes.file], { signal: controller.signal });
    await notes.now.hasLines(1);
    controller.abort(new RangeError('no longer'));
    const error = await errorOf(task);
    expect(error).toBe(controller.signal.reason);
    expect(await p.apply(pid)).toBe(worker);
    expect(notes.now.lines[1]).toBe('aborted: RangeError no longer');
  });

  test('awaitStop: an abort rejects when the task has ended, and its progress is told until then', async () => {
    const p = pool(1);
    for (const method of [tasks.waitUntilAborted, tasks.busyForEver]) {
      const before = notes.now.lines.length;
      const controller = new AbortController();
      const options = { signal: controller.signal, awaitStop: true, killAfter: 100 };
      const task = p.apply(method, [notes.file], options);
      await notes.now.hasLines(before + 1);
      const behind = p.apply(tasks.note, [notes.file, 'never'], options);
      controller.abort(new RangeError('no longer'));
      expect(await errorOf(behind)).toBe(controller.signal.reason);
      expect(await errorOf(task)).toBe(controller.signal.reason);
      if (method === tasks.waitUntilAborted)
        expect(notes.now.lines.at(-1)).toBe('aborted: RangeError no longer');
      else expect(exists(Number(notes.now.lines.at(-1)))).toBe(false);
    }
    const said: unknown[] = [];
    const begun = notes.now.lines.length;
    const controller = new AbortController();
    const task = p.apply(tasks.sayWhenAborted, [notes.file], {
      signal: controller.signal,
      awaitStop: true,
      progress: ({ values }) => void said.push(...values),
    });
    await notes.now.hasLines(begun + 1);
    controller.abort();
    expect((await errorOf(task)).name).toBe('AbortError');
    expect(said).toEqual(['ending']);
    expect((await errorOf(p.apply(double, [1], { awaitStop: 1 as never }))).message).toMatch(
      /"awaitStop".*boolean/,
    );
  });

  test('currentTask().aborted is true in a busy loop too', async () => {
    const p = pool(1);
    const worker = await p.apply(pid);
    const result = p.applyAsync(tasks.busyUntilAborted, [notes.file], { killAfter: 15_000 });
    await notes.now.hasLines(1);
    expect(result.cancel()).toBe(true);
    expect(result.cancel()).toBe(false);
    expect((await errorOf(result)).code).toBe('ERR_FORKFUL_CANCELLED');
    expect(await p.apply(pid)).toBe(worker);
    expect(notes.now.lines[1]).toBe('aborted');
  });

  test('what does not end is ended with its worker alone', async () => {
    const p = pool(2);
    await p.ready();
    const other = p.applyAsync(tasks.waitUntilAborted, [notes.file], { killAfter: 60_000 });
    await notes.now.hasLines(1);
    const deaf = p.applyAsync(tasks.busyForEver, [notes.file], { killAfter: 20 });
    await notes.now.hasLines(2);
    const doomed = Number(notes.now.lines[1]);
    deaf.cancel(new Error('enough'));
    expect((await errorOf(deaf)).message).toBe('enough');
    await until(() => !exists(doomed));
    expect(other.ready()).toBe(false);
    expect(await p.map(double, range(10))).toEqual(range(10).map((x) => 2 * x));
    other.cancel();
    await until(() => notes.now.lines.length > 2);
    expect(notes.now.lines[2]).toContain('CancelledError');
  });

  if (hasSignals) {
    test('a worker that does not heed SIGTERM gets SIGKILL', async () => {
      const p = pool(1);
      const deaf = p.applyAsync(tasks.deafToTerm, [notes.file], { killAfter: 0 });
      await notes.now.hasLines(1);
      deaf.cancel();
      expect((await errorOf(deaf)).code).toBe('ERR_FORKFUL_CANCELLED');
      expect(await p.apply(pid)).not.toBe(Number(notes.now.lines[0]));
      await until(() => !exists(Number(notes.now.lines[0])));
    });
  }

  test('what has not started is never run', async () => {
    const p = pool(1);
    const first = p.applyAsync(tasks.waitUntilAborted, [notes.file]);
    await notes.now.hasLines(1);
    const controller = new AbortController();
    const never = range(300).map(() =>
      p.apply(tasks.note, [notes.file, 'ran'], { signal: controller.signal }),
    );
    const all = p.map(
      tasks.noteItem,
      range(10).map(() => [notes.file, 'ran']),
      {
        signal: controller.signal,
        chunksize: 3,
      },
    );
    controller.abort();
    for (const task of never) expect((await errorOf(task)).name).toBe('AbortError');
    expect((await errorOf(all)).name).toBe('AbortError');
    first.cancel();
    expect(await p.apply(double, [4])).toBe(8);
    expect(notes.now.lines).not.toContain('ran');
    expect((await errorOf(p.apply(double, [1], { signal: controller.signal }))).name).toBe('AbortError');
  });

  test('map stops in the middle of a chunk', async () => {
    const p = pool(1);
    const controller = new AbortController();
    const all = p.map(
      tasks.noteItem,
      range(1000).map((i) => [notes.file, `${i}`]),
      {
        signal: controller.signal,
        chunksize: 1000,
        killAfter: 20_000,
      },
    );
    await notes.now.hasLines(3);
    const worker = await new Promise<number>((resolve) => {
      void errorOf(all).then(() => resolve(p.apply(pid)));
      controller.abort();
    });
    expect(exists(worker)).toBe(true);
    expect(notes.now.lines.length).toBeLessThan(500);
  });

  test('imap ends with the reason', async () => {
    const p = pool(1);
    const controller = new AbortController();
    let closed = false;
    function* forEver(): Generator<number> {
      try {
        for (let i = 0; ; i++) yield i;
      } finally {
        closed = true;
      }
    }
    const results = p.imap(double, forEver(), { signal: controller.signal });
    expect((await results.next()).value).toBe(0);
    controller.abort(new Error('that will do'));
    expect((await errorOf(results.next())).message).toBe('that will do');
    expect(await results.next()).toEqual({ done: true, value: undefined });
    expect(closed).toBe(true);
    expect(await p.apply(double, [1])).toBe(2);
  });

  test('taskTimeout counts from the start of the task', async () => {
    const p = pool({ processes: 1, taskTimeout: 2000 });
    // One after the other they take longer than that.
    await Promise.all(range(6).map(() => p.apply(tasks.sleep, [500])));
    const error = await errorOf(p.apply(tasks.hang, [], { taskTimeout: 50, killAfter: 0 }));
    expect(error.code).toBe('ERR_FORKFUL_TIMEOUT');
    expect(error.message).toMatch(
      /hang \(task \d+, item 0\).*taskTimeout of 50 ms.*PoolWorker-1 \(pid \d+\)/,
    );
    expect(await p.apply(double, [1])).toBe(2);
  });

  test('of a chunk only the item that takes too long fails, whether or not it ends by itself', async () => {
    for (const task of [tasks.hangAtThree, tasks.endAtThree]) {
      const p = pool(1);
      const outcomes = await p.map(task as (item: number) => Promise<number>, range(6), {
        chunksize: 6,
        settled: true,
        taskTimeout: 100,
        killAfter: 100,
      });
      expect(outcomes.map((outcome) => (outcome.status === 'fulfilled' ? outcome.value : 'failed'))).toEqual([
        0,
        1,
        2,
        'failed',
        4,
        5,
      ]);
      expect((outcomes[3] as PromiseRejectedResult).reason.code).toBe('ERR_FORKFUL_TIMEOUT');
    }
  });

  test('a hanging initializer ends by taskTimeout', async () => {
    const p = pool({ processes: 1, initializer: tasks.hang, taskTimeout: 100 });
    const error = await errorOf(p.apply(double, [1]));
    expect(error).toMatchObject({ code: 'ERR_FORKFUL_TIMEOUT' });
    expect(error.message).toContain('initializer');
    await p.close();
  });

  test('retries run a lost task again, and the task knows', async () => {
    const p = pool({ processes: 1, retries: 2 });
    expect(await p.apply(tasks.dieUntilAttempt, [3])).toBe(3);
    const error = await errorOf(p.apply(tasks.dieUntilAttempt, [4]));
    expect(error.code).toBe('ERR_FORKFUL_WORKER_LOST');
    expect(error.message).toContain('run 3');
    expect((await errorOf(p.apply(tasks.dieUntilAttempt, [2], { retries: 0 }))).code).toBe(
      'ERR_FORKFUL_WORKER_LOST',
    );
    const attempts = await p.map(
      tasks.dieOnceAt,
      range(5).map((i) => [i, notes.file]),
      { chunksize: 5 },
    );
    expect(attempts).toEqual(range(5).map((i) => [i, i === 2 ? 2 : 1]));
  });

  test('currentTask() tells who runs what', async () => {
    const p = pool(1);
    const a = await p.apply(tasks.about);
    const b = await p.apply(tasks.about);
    expect(a).toMatchObject({ attempt: 1, workerId: 1, aborted: false });
    expect(b.id).toBe(a.id + 1);
    expect(thrown(() => currentTask()).code).toBe('ERR_FORKFUL_INVALID_STATE');
  });

  test('get and wait stop waiting at their signal or timeout; the task goes on', async () => {
    const p = pool(1);
    const result = p.applyAsync(tasks.waitUntilAborted, [notes.file]);
    const controller = new AbortController();
    const got = result.get({ signal: controller.signal });
    const waited = result.wait({ signal: controller.signal });
    controller.abort(new Error('not so long'));
    expect((await errorOf(got)).message).toBe('not so long');
    expect((await errorOf(waited)).message).toBe('not so long');
    expect((await errorOf(result.get({ signal: controller.signal }))).message).toBe('not so long');
    expect((await errorOf(result.get({ timeout: 0 }))).code).toBe('ERR_FORKFUL_TIMEOUT');
    expect(result.ready()).toBe(false);
    await notes.now.hasLines(1);
    result.cancel();
  });

  test('wrong options', async () => {
    const p = pool(1);
    const wrong = (options: unknown) => errorOf(p.apply(double, [1], options as TaskOptions));
    expect((await wrong({ taskTimeout: 'x' })).message).toMatch(/apply option "taskTimeout".*"x"/);
    expect((await wrong({ retries: -1 })).message).toMatch(/"retries".*-1/);
    expect((await wrong({ signal: 5 })).message).toMatch(/"signal".*AbortSignal.*5/);
    expect((await wrong({ timeout: 5 })).message).toMatch(/no "timeout"/);
    expect(thrown(() => pool({ killAfter: NaN })).message).toMatch(/Pool option "killAfter"/);
  });
});
