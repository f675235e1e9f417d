import { setTimeout } from 'node:timers/promises';
import { Queue } from 'forkful';
import * as queues from '../fixtures/queues.js';
import { describeEach, errorOf, thrown } from './methods';

describeEach('Queue.shutdown', ({ context }) => {
  const { Process: P } = context;
  const open: Queue<never>[] = [];

  function queue<T>(...args: ConstructorParameters<typeof Queue>): Queue<T> {
    const made = new context.Queue<T>(...args);
    open.push(made as Queue<never>);
    return made;
  }

  afterEach(() => {
    for (const made of open.splice(0)) made.close();
  });

  test('what is there can still be got, then get ends; puts are refused at once', async () => {
    const q = queue<number>();
    await q.putMany([1, 2, 3, 4]);
    q.shutdown();
    q.shutdown();
    expect((await errorOf(q.put(5))).code).toBe('ERR_FORKFUL_CLOSED');
    expect((await errorOf(q.putMany([5]))).code).toBe('ERR_FORKFUL_CLOSED');
    expect(thrown(() => q.putSync(5)).code).toBe('ERR_FORKFUL_CLOSED');
    expect(thrown(() => q.putNowait(5)).code).toBe('ERR_FORKFUL_CLOSED');
    expect(thrown(() => q.putManySync([5])).code).toBe('ERR_FORKFUL_CLOSED');
    expect(q.qsize()).toBe(4);
    expect(await q.get()).toBe(1);
    expect(q.getSync()).toBe(2);
    // What is taken is given, although nothing follows.
    expect(await q.getMany(10)).toEqual([3, 4]);
    expect((await errorOf(q.get())).code).toBe('ERR_FORKFUL_CLOSED');
    expect((await errorOf(q.get({ timeout: 0 }))).code).toBe('ERR_FORKFUL_CLOSED');
    expect((await errorOf(q.getMany(3))).code).toBe('ERR_FORKFUL_CLOSED');
    expect(thrown(() => q.getSync()).code).toBe('ERR_FORKFUL_CLOSED');
    expect(thrown(() => q.getNowait()).code).toBe('ERR_FORKFUL_CLOSED');
    expect(thrown(() => q.getManySync(3)).code).toBe('ERR_FORKFUL_CLOSED');
    expect(q.qsize()).toBe(0);
  });

  test('immediate drops what is there, also after a first shutdown without', async () => {
    const q = queue<Buffer>();
    await q.putMany([Buffer.alloc(10), Buffer.alloc(3 << 20), Buffer.alloc(10)]);
    q.shutdown();
    expect(q.qsize()).toBe(3);
    q.shutdown({ immediate: true });
    expect(q.qsize()).toBe(0);
    expect((await errorOf(q.get())).code).toBe('ERR_FORKFUL_CLOSED');
    expect(thrown(() => q.shutdown({ immediate: 1 } as never)).message).toMatch(/"immediate".*boolean.*1/);
    expect(thrown(() => q.shutdown({ now: true } as never)).message).toMatch(/"now"/);
  });

  test('calls that wait in this process end', async () => {
    const [empty, full] = [queue<number>(), queue<number>(1)];
    full.putNowait(0);
    const waiting = [
      errorOf(empty.get()),
      errorOf(empty.getMany(2)),
      errorOf(full.put(1)),
      errorOf(full.putMany([2, 3])),
    ];
    empty.shutdown();
    full.shutdown();
    for (const error of waiting) expect((await error).code).toBe('ERR_FORKFUL_CLOSED');
    expect(full.getNowait()).toBe(0);
  });

  test('iteration ends when the queue is shut down and drained', async () => {
    const q = queue<number>();
    q.putManySync([1, 2, 3]);
    const got: number[] = [];
    for await (const value of q) {
      got.push(value);
      if (value === 3) q.shutdown();
    }
    expect(got).toEqual([1, 2, 3]);
    for await (const value of q) throw new Error(`got ${value}`);
  });

  test('iteration takes one message at a time; leaving it takes no more; close() is an error to it', async () => {
    const q = queue<number>();
    q.putManySync([1, 2, 3]);
    for await (const value of q) {
      expect(value).toBe(1);
      expect(q.qsize()).toBe(2);
      break;
    }
    expect(q.qsize()).toBe(2);
    const others = queue<number>();
    const waiting = errorOf(others[Symbol.asyncIterator]().next());
    others.close();
    expect((await waiting).code).toBe('ERR_FORKFUL_CLOSED');
  });

  test('consumers of other processes, blocking and not, get all and end', async () => {
    const [q, started] = [queue<number>(), queue<number>()];
    const children = [
      new P({ target: queues.drain, args: [q, started] }),
      new P({ target: queues.drain, args: [q, started] }),
      new P({ target: queues.getSyncUntilRefused, args: [q, started] }),
    ];
    await Promise.all(children.map((child) => child.start()));
    for (let i = 0; i < 3; i++) await started.get();
    for (let i = 0; i < 300; i++) q.putNowait(i);
    q.shutdown();
    const [a, b, c] = (await Promise.all(children.map((child) => child.result()))) as [
      number[],
      number[],
      { values: number[]; code: string },
    ];
    expect(c.code).toBe('ERR_FORKFUL_CLOSED');
    expect([...a, ...b, ...c.values].sort((x, y) => x - y)).toEqual(Array.from({ length: 300 }, (_, i) => i));
    await Promise.all(children.map((child) => child.join()));
  });

  test('a consumer that blocks goes on when another one has come and gone', async () => {
    const [q, started] = [queue<number>(), queue<number>()];
    const child = new P({ target: queues.getSyncUntilRefused, args: [q, started] });
    await child.start();
    await started.get();
    await q.put(1);
    while (q.qsize() > 0) await setTimeout(1);
    expect((await errorOf(q.get({ timeout: 50 }))).code).toBe('ERR_FORKFUL_EMPTY');
    await q.put(2);
    q.shutdown();
    expect(await child.result()).toEqual({ values: [1, 2], code: 'ERR_FORKFUL_CLOSED' });
    await child.join();
  });

  test('producers of other processes that wait for room are refused', async () => {
    const [q, started] = [queue<number>(2), queue<number>()];
    const children = [true, false].map((sync) => {
      return new P({ target: queues.putUntilRefused, args: [q, sync, started] });
    });
    await Promise.all(children.map((child) => child.start()));
    for (let i = 0; i < 2; i++) await started.get();
    for (let i = 0; i < 50; i++) await q.get();
    q.shutdown();
    let put = 0;
    for (const child of children) {
      const { count, code } = (await child.result()) as { count: number; code: string };
      expect(code).toBe('ERR_FORKFUL_CLOSED');
      put += count;
    }
    expect(put).toBe(50 + q.qsize());
    await Promise.all(children.map((child) => child.join()));
  });

  test('a child that receives the queue later finds it shut down', async () => {
    const q = queue<number>();
    q.putNowait(7);
    q.shutdown();
    const child = new P({ target: queues.drain, args: [q] });
    await child.start();
    expect(await child.result()).toEqual([7]);
    await child.join();
  });
});
