import { JoinableQueue, type Queue } from 'forkful';
import * as queues from '../fixtures/queues.js';
import { describeEach, errorOf, thrown } from './methods';

describeEach('JoinableQueue', ({ context }) => {
  const { Process: P } = context;
  const open: { close(): void }[] = [];

  function joinable<T>(...args: ConstructorParameters<typeof JoinableQueue>): JoinableQueue<T> {
    const made = new context.JoinableQueue<T>(...args);
    open.push(made);
    return made;
  }

  function queue<T>(): Queue<T> {
    const made = new context.Queue<T>();
    open.push(made);
    return made;
  }

  afterEach(() => {
    for (const made of open.splice(0)) made.close();
  });

  test('join waits until everything that was put is done', async () => {
    const q = joinable<number>();
    expect(q).toBeInstanceOf(context.Queue);
    expect(await q.join()).toBe(true);
    expect(q.joinSync()).toBe(true);
    q.putManySync([1, 2, 3]);
    expect(await q.join({ timeout: 0 })).toBe(false);
    expect(q.joinSync({ timeout: 0 })).toBe(false);
    expect(q.joinSync({ timeout: 5 })).toBe(false);
    expect(await q.join({ timeout: 5 })).toBe(false);
    let joined = 0;
    const joins = [q.join(), q.join()].map((join) =>
      join.then((all) => {
        expect(all).toBe(true);
        joined++;
      }),
    );
    for (let i = 0; i < 2; i++) {
      await q.get();
      q.taskDone();
    }
    expect(await q.get()).toBe(3);
    expect(await q.join({ timeout: 5 })).toBe(false);
    expect(joined).toBe(0);
    q.taskDone();
    await Promise.all(joins);
    expect(q.joinSync()).toBe(true);
  });

  test('as in Python what is put counts, not what was got; too many are an error', async () => {
    const q = joinable<number>();
    expect(thrown(() => q.taskDone()).code).toBe('ERR_FORKFUL_INVALID_STATE');
    q.putNowait(1);
    q.taskDone();
    expect(await q.join()).toBe(true);
    expect(thrown(() => q.taskDone()).code).toBe('ERR_FORKFUL_INVALID_STATE');
    expect(q.getNowait()).toBe(1);
    expect(await q.join()).toBe(true);
    q.putNowait(2);
    expect(await q.join({ timeout: 0 })).toBe(false);
  });

  test('signals and close end a join', async () => {
    const q = joinable<number>();
    q.putNowait(1);
    const reason = new Error('enough');
    const controller = new AbortController();
    const aborted = errorOf(q.join({ signal: controller.signal }));
    controller.abort(reason);
    expect(await aborted).toBe(reason);
    expect(await errorOf(q.join({ signal: AbortSignal.abort(reason) }))).toBe(reason);
    const closed = errorOf(q.join());
    q.close();
    expect((await closed).code).toBe('ERR_FORKFUL_CLOSED');
    expect((await errorOf(q.join())).code).toBe('ERR_FORKFUL_CLOSED');
    expect(thrown(() => q.taskDone()).code).toBe('ERR_FORKFUL_CLOSED');
  });

  test('join waits for this process’s own puts that wait for room', async () => {
    const q = joinable<number>(1);
    const puts = [1, 2, 3].map((value) => q.put(value));
    const join = q.join();
    expect(q.joinSync({ timeout: 5 })).toBe(false);
    const values: number[] = [];
    while (values.length < 3) {
      values.push(await q.get());
      q.taskDone();
    }
    expect(values).toEqual([1, 2, 3]);
    expect(await join).toBe(true);
    await Promise.all(puts);
  });

  test('workers in other processes; joined again and again, async and Sync', async () => {
    const [q, results] = [joinable<number>(10), queue<number>()];
    const children = [0, 1, 2].map(() => new P({ target: queues.workOff, args: [q, results] }));
    await Promise.all(children.map((child) => child.start()));
    for (let round = 1; round <= 20; round++) {
      for (let i = 0; i < 15; i++) await q.put(i);
      if (round % 2 === 0) expect(await q.join()).toBe(true);
      else expect(q.joinSync()).toBe(true);
      expect(results.qsize()).toBe(round * 15);
    }
    q.shutdown();
    for (const child of children) {
      await child.join();
      expect(child.exitCode).toBe(0);
    }
    expect(await q.join()).toBe(true);
  });

  test('a consumer that is killed with a message in its hands: join says so, and goes on once that is made up for', async () => {
    const [q, started] = [joinable<number>(), queue<number>()];
    q.putManySync([1, 2, 3, 4]);
    const child = new P({ target: queues.work, args: [q, 3, 1, 'hang', started] });
    await child.start();
    const pid = await started.get();
    q.getSync();
    q.taskDone();
    const join = errorOf(q.join());
    expect(await q.join({ timeout: 20 })).toBe(false); // it is alive
    child.kill();
    expect(await join).toMatchObject({
      name: 'ConsumerLostError',
      code: 'ERR_FORKFUL_CONSUMER_LOST',
      pid,
      unfinished: 2,
    });
    expect((await errorOf(q.join())).code).toBe('ERR_FORKFUL_CONSUMER_LOST');
    expect(thrown(() => q.joinSync()).code).toBe('ERR_FORKFUL_CONSUMER_LOST');
    q.taskDone();
    expect(await errorOf(q.join())).toMatchObject({ pid, unfinished: 1 });
    q.taskDone();
    expect(await q.join()).toBe(true);
    expect(thrown(() => q.taskDone()).code).toBe('ERR_FORKFUL_INVALID_STATE');
    await child.join();
  });

  test('a consumer that ends by itself without being done is lost too; during a joinSync as well', async () => {
    const q = joinable<number>();
    q.putManySync([1, 2]);
    const child = new P({ target: queues.work, args: [q, 2, 1] });
    await child.start();
    const error = thrown(() => q.joinSync({ timeout: 20_000 })) as Error & { unfinished: number };
    expect(error).toMatchObject({ code: 'ERR_FORKFUL_CONSUMER_LOST', pid: child.pid, unfinished: 1 });
    await child.join();
  });

  test('a consumer that ends when it is done with all is not missed', async () => {
    const q = joinable<number>();
    q.putManySync([1, 2, 3]);
    const child = new P({ target: queues.work, args: [q, 2, 2] });
    await child.start();
    await child.join();
    const join = q.join();
    expect(await q.join({ timeout: 20 })).toBe(false);
    await q.get();
    q.taskDone();
    expect(await join).toBe(true);
  });

  test('who got it and who does it may differ', async () => {
    const [q, started] = [joinable<number>(), queue<number>()];
    q.putManySync([1, 2]);
    const child = new P({ target: queues.work, args: [q, 2, 0, 'hang', started] });
    await child.start();
    await started.get();
    q.taskDone();
    q.taskDone();
    expect(await q.join()).toBe(true);
    child.kill();
    await child.join();
    q.putNowait(3);
    expect(await q.join({ timeout: 20 })).toBe(false);
  });

  test('shutdown({ immediate }) counts what it drops as done, but not what somebody has', async () => {
    const q = joinable<number>();
    q.putManySync([1, 2, 3]);
    q.getSync();
    const join = q.join();
    q.shutdown({ immediate: true });
    expect(await q.join({ timeout: 5 })).toBe(false);
    q.taskDone();
    expect(await join).toBe(true);
    expect(thrown(() => q.taskDone()).code).toBe('ERR_FORKFUL_INVALID_STATE');
    const another = joinable<number>();
    another.putManySync([1, 2, 3]);
    const other = another.join();
    another.shutdown({ immediate: true });
    expect(await other).toBe(true);
  });

  test('many consumers, one after the other', async () => {
    const q = joinable<number>();
    for (let i = 0; i < 5; i++) {
      q.putManySync([1, 2]);
      const child = new P({ target: queues.work, args: [q, 2, 2] });
      await child.start();
      expect(await q.join()).toBe(true);
      await child.join();
    }
  });
});
