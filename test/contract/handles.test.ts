import * as forkful from 'forkful';
import type { Connection, Process, Queue } from 'forkful';
import * as handles from '../fixtures/handles.js';
import { describeEach, errorOf, startBlocking, thrown, until } from './methods';
import { poolsOf } from './pools';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- what comes is looked at by what it does
type Anything = any;

// Handles inside messages: the receiver has its own handle of the same object, whatever becomes of the sender, and what
// nobody receives leaves nothing behind. That an end of a pipe is held by nobody any more shows as the other one's end
// of file.
describeEach('handles in messages', ({ backend, context, method }) => {
  const { Process: P } = context;
  const open: { close(): unknown }[] = [];
  const isShared = backend === 'native';

  function own<T extends { close(): unknown }>(made: T): T {
    open.push(made);
    return made;
  }
  const queue = <T = Anything>(...args: ConstructorParameters<typeof context.Queue>): Queue<T> =>
    own(new context.Queue<T>(...args)) as Queue<T>;
  function pipe(): [Connection<Anything>, Connection<Anything>] {
    const [a, b] = context.Pipe<Anything>();
    return [own(a), own(b)];
  }
  const endOf = async (connection: Connection<Anything>) => (await errorOf(connection.recv())).code;
  const END = 'ERR_FORKFUL_END_OF_FILE';

  afterEach(async () => {
    for (const made of open.splice(0)) await made.close();
  });

  test.each(['queue', 'connection'])('objects of all kinds pass through a %s', async (way) => {
    const done = queue<string>();
    const [near, far] = pipe();
    const through = queue();
    const child = new P({ target: handles.useAll, args: [way === 'queue' ? through : far, done] });
    await child.start();
    const made = {
      Queue: queue<string>(),
      JoinableQueue: own(new context.JoinableQueue<string>()),
      SimpleQueue: own(new context.SimpleQueue<string>()),
      Connection: pipe(),
      Lock: own(new context.Lock()),
      RLock: own(new context.RLock()),
      Semaphore: own(new context.Semaphore(0)),
      BoundedSemaphore: own(new context.BoundedSemaphore(1)),
      Event: own(new context.Event()),
      Condition: own(new context.Condition()),
      Barrier: own(new context.Barrier(2)),
    };
    const shared = isShared && {
      Value: own(new context.Value('int32', 1)),
      Int32Array: own(new context.SharedArray('int32', 4)),
      SharedMemory: own(new context.SharedMemory({ create: true, size: 16 })),
      ShareableList: own(new context.ShareableList(['as it was'])),
    };
    made.JoinableQueue.putSync('task');
    made.Lock.acquireSync();
    made.BoundedSemaphore.acquireSync();
    made.Condition.acquireSync();
    const notified = made.Condition.wait();
    const message = { ...made, ...shared, Connection: made.Connection[1] };
    if (way === 'queue') await through.put(message);
    else near.sendSync(message);
    const met = made.Barrier.wait();
    const said: string[] = [];
    do said.push(await done.get());
    while (said.at(-1) !== 'used');
    expect(said).toEqual(['used']);
    expect(await made.Queue.get()).toBe('by queue');
    expect(await made.SimpleQueue.get()).toBe('by simple queue');
    expect(await made.Connection[0].recv()).toBe('by connection');
    await made.JoinableQueue.join();
    expect(made.Lock.acquireSync({ timeout: 0 })).toBe(true);
    expect(made.Semaphore.acquireSync({ timeout: 0 })).toBe(true);
    expect(made.BoundedSemaphore.acquireSync({ timeout: 0 })).toBe(true);
    expect(await made.Event.wait()).toBe(true);
    expect(await notified).toBe(true);
    expect(await met).toEqual(expect.any(Number));
    if (shared !== false) {
      expect(shared.Value.value).toBe(2);
      expect(shared.Int32Array[0]).toBe(7);
      expect(new Uint8Array(shared.SharedMemory.buffer)[0]).toBe(9);
      expect(shared.ShareableList.get(0)).toBe('changed');
    }
    await child.join();
  });

  test('one object is one object, however often a message has it', async () => {
    const [through, lock] = [queue(), own(new context.Lock())];
    const child = new P({ target: handles.areSame, args: [through] });
    await child.start();
    through.putSync({ twice: [lock, lock], other: own(new context.Lock()) });
    expect(await child.result()).toEqual([true, false]);
  });

  test.each(['close', 'kill', 'exit'])('the sender is gone (%s) with its handles in flight', async (how) => {
    const through = queue<{ inner: Queue<string>; b: Connection<string> }>();
    const child = new P({ target: handles.sendOwn, args: [through, how, method] });
    await child.start();
    if (how === 'close') await until(() => through.qsize() > 0);
    else await child.join();
    const { inner, b } = await through.get();
    own(inner);
    own(b);
    expect(await inner.get()).toBe('inside');
    expect(await b.recv()).toBe('from the dead');
    expect(await endOf(b)).toBe(END);
    child.kill();
    await child.join();
  });

  test('closed as soon as it is sent, by all ways of sending', async () => {
    const through = queue();
    const [near, far] = pipe();
    const ends: Connection<Anything>[] = [];
    const fresh = () => {
      const [a, b] = pipe();
      ends.push(a);
      return b;
    };
    const send = async (act: (b: Connection<Anything>) => unknown) => {
      const b = fresh();
      const sent = act(b);
      b.close();
      await sent;
    };
    await send((b) => through.put(b));
    await send((b) => through.putSync(b));
    await send((b) => through.putNowait(b));
    await send((b) => through.putMany([1, b, 2]));
    await send((b) => through.putManySync([b]));
    const got = [...(await through.getMany(3)), ...through.getManySync(10)];
    while (got.length < 7) got.push(await through.get());
    expect(got.map((one) => (typeof one === 'object' ? 'end' : one))).toEqual([
      'end',
      'end',
      'end',
      1,
      'end',
      2,
      'end',
    ]);
    await send((b) => near.send({ b }));
    await send((b) => near.sendSync([b]));
    got.push((await far.recv()).b, far.recvSync()[0]);
    const received = got.filter((one) => typeof one === 'object') as Connection<Anything>[];
    for (const [i, one] of received.entries()) {
      one.sendSync(i);
      expect(await ends[i]?.recv()).toBe(i);
      one.close();
      expect(await endOf(ends[i] as Connection<Anything>)).toBe(END);
    }
  });

  test('a put that waits for room keeps what it was given', async () => {
    const bounded = queue({ maxsize: 1 });
    const [a, b] = pipe();
    bounded.putSync('first');
    const waiting = bounded.put(b);
    b.close();
    expect(await bounded.get()).toBe('first');
    await waiting;
    const received = own(await bounded.get());
    received.sendSync('late');
    expect(await a.recv()).toBe('late');
  });

  test('what is not sent after all holds nothing', async () => {
    const bounded = queue({ maxsize: 1 });
    bounded.putSync('first');
    const attempts: ((b: Connection<Anything>) => unknown)[] = [
      (b) => bounded.put(b, { timeout: 5 }),
      (b) => bounded.put(b, { signal: AbortSignal.timeout(5) }),
      (b) => bounded.putSync(b, { timeout: 5 }),
      (b) => bounded.putNowait(b),
      (b) => bounded.put([b, () => undefined]),
    ];
    for (const attempt of attempts) {
      const [a, b] = pipe();
      const failed = errorOf((async () => attempt(b))());
      b.close();
      await failed;
      expect(await endOf(a)).toBe(END);
    }
    const [a, b] = pipe();
    const waiting = errorOf(bounded.put(b));
    b.close();
    bounded.shutdown();
    expect((await waiting).code).toBe('ERR_FORKFUL_CLOSED');
    expect(await endOf(a)).toBe(END);
    const [c, d] = pipe();
    d.close();
    expect(thrown(() => queue().putSync(d)).code).toBe('ERR_FORKFUL_CLOSED');
    c.close();
  });

  describe('what nobody receives goes', () => {
    function lose(): [Connection<Anything>, Connection<Anything>] {
      return pipe();
    }

    test('with its queue', async () => {
      const [a, b] = lose();
      const through = queue();
      through.putSync([b, own(new context.Lock())]);
      b.close();
      through.close();
      expect(await endOf(a)).toBe(END);
    });

    test('with its pipe', async () => {
      const [a, b] = lose();
      const [near, far] = pipe();
      near.sendSync(b);
      b.close();
      near.close();
      expect(far.pollSync({ timeout: 0 })).toBe(true);
      far.close();
      expect(await endOf(a)).toBe(END);
    });

    test('when a queue is emptied by shutdown', async () => {
      const [a, b] = lose();
      const through = queue();
      through.putSync(b);
      b.close();
      through.shutdown({ immediate: true });
      expect(await endOf(a)).toBe(END);
    });

    test('with queues that lie in each other, and in themselves', async () => {
      const [a, b] = lose();
      const [one, other] = [queue(), queue()];
      one.putSync([one, other]);
      other.putSync({ one, b });
      for (const each of [one, other, b]) each.close();
      expect(await endOf(a)).toBe(END);
    });

    test('with its own pipe, or one whose other end is gone', async () => {
      const [a, b] = lose();
      a.sendSync(b);
      b.close();
      expect(await endOf(a)).toBe(END);
      const [c, d] = lose();
      const [near, far] = pipe();
      near.sendSync(d);
      d.close();
      far.close();
      expect(await endOf(c)).toBe(END);
    });

    test('with its receiver', async () => {
      const [a, b] = lose();
      const [through, started] = [queue(), queue<number>()];
      const child = new P({ target: handles.takeAndHang, args: [through, started] });
      await child.start();
      through.putSync(b);
      b.close();
      await started.get();
      expect(await a.poll({ timeout: 0 })).toBe(false);
      child.kill();
      await child.join();
      expect(await endOf(a)).toBe(END);
    });
  });

  test('what a killed process has not taken is another one’s', async () => {
    const [through, started] = [queue(), queue<number>()];
    const child = new P({ target: handles.takeAndHang, args: [through, started] });
    await child.start();
    const ends = [pipe(), pipe(), pipe()] as const;
    for (const [, b] of ends) through.putSync(b);
    for (const [, b] of ends) b.close();
    await started.get();
    child.kill();
    await child.join();
    expect(await endOf(ends[0][0])).toBe(END);
    for (const [a] of ends.slice(1)) {
      const b = own((await through.get()) as Connection<Anything>);
      b.sendSync('still here');
      expect(await a.recv()).toBe('still here');
    }
  });

  test('handles go on through several hands', async () => {
    const [first, second] = [queue(), queue()];
    const [near, far] = pipe();
    const child = new P({ target: handles.passOn, args: [first, far] });
    await child.start();
    first.putSync({ second });
    await child.join();
    const again = (await near.recv()) as { second: Queue };
    again.second.putSync('home');
    again.second.close();
    expect(await second.get()).toBe('home');
  });

  test('in the result of a process', async () => {
    const made = new P({ target: handles.makeQueue, args: ['in the result', method] });
    await made.start();
    const { queue: received } = (await made.result()) as { queue: Queue<string> };
    await made.join();
    expect(await own(received).get()).toBe('in the result');
    const [a, b] = pipe();
    const same = new P({ target: handles.same, args: [{ deep: [b] }] });
    await same.start();
    b.close();
    await same.join();
    const back = own(((await same.result()) as { deep: Connection[] }).deep[0] as Connection);
    await back.send('and back');
    expect(await a.recv()).toBe('and back');
    back.close();
    expect(await endOf(a)).toBe(END);
  });

  test('a message of a process that blocks', async () => {
    const [through, answers] = [queue(), queue<string>()];
    const child = new P({ target: handles.useAll, args: [through, answers] });
    await startBlocking(child as Process, method);
    const inner = queue<string>();
    through.putSync({ Queue: inner });
    expect(inner.getSync()).toBe('by queue');
    expect(answers.getSync()).toBe('used');
    child.joinSync();
  });

  test('many handles wait in a queue, and are received in order', async () => {
    const through = queue();
    const event = own(new context.Event());
    const semaphore = own(new context.Semaphore(3));
    for (let i = 0; i < 200; i++) through.putSync({ i, held: i % 2 === 0 ? event : semaphore });
    for (let i = 0; i < 200; i++) {
      const { i: index, held } = await through.get();
      expect(index).toBe(i);
      expect(held).toBeInstanceOf(i % 2 === 0 ? forkful.Event : forkful.Semaphore);
      held.close();
    }
  });

  describe('in tasks of a pool', () => {
    const pool = poolsOf(context);

    test('arguments and results, one by one and in chunks', async () => {
      const workers = pool({ processes: 2 });
      const [inbox, lock] = [queue<number>(), own(new context.Lock())];
      const back = own((await workers.apply(handles.putInto, [inbox, 1])) as Queue<number>);
      back.putSync(2);
      expect(inbox.getManySync(9)).toEqual([1, 2]);
      const items = Array.from({ length: 20 }, (_, i) => [inbox, i, lock] as const);
      for (const chunksize of [1, 7]) {
        const results = await workers.starmap(handles.putInto, items, { chunksize });
        for (const result of results) own(result as Queue<number>);
        expect(new Set(results.map((result) => result instanceof forkful.Queue))).toEqual(new Set([true]));
        const got: number[] = [];
        while (got.length < 20) got.push(...(await inbox.getMany(20)));
        expect(got.sort((a, b) => a - b)).toEqual(items.map(([, i]) => i));
      }
    });

    test('what a stream yields', async () => {
      const values: unknown[] = [];
      for await (const made of pool({ processes: 1 }).stream(handles.makeQueues, [3, method])) {
        values.push(await own(made as Queue<number>).get());
      }
      expect(values).toEqual([0, 1, 2]);
    });

    test('each worker fills its band of one array', async () => {
      if (!isShared) return;
      const array = own(new context.SharedArray('uint8', 64));
      const bands = Array.from({ length: 8 }, (_, i) => [array.subarray(8 * i, 8 * i + 8), i + 1] as const);
      await pool({ processes: 2 }).starmap(handles.fillBand, bands);
      expect([...array]).toEqual(Array.from({ length: 64 }, (_, i) => Math.floor(i / 8) + 1));
    });

    test('closed by the caller at once, and gone when the task is done', async () => {
      const workers = pool({ processes: 1 });
      const go = queue();
      const busy = workers.apply(handles.takeFrom, [go]);
      const ends = Array.from({ length: 5 }, () => {
        const [a, b] = pipe();
        const done = workers.apply(handles.sendAndClose, [b, 'from the task']);
        b.close();
        return { a, done };
      });
      go.putSync('go');
      await busy;
      for (const { a, done } of ends) {
        await done;
        expect(await a.recv()).toBe('from the task');
        expect(await endOf(a)).toBe(END);
      }
    });

    test('what waits behind a task goes to another worker, with its handles', async () => {
      const workers = pool({ processes: 2 });
      const [go, inbox] = [queue(), queue<number>()];
      const busy = workers.apply(handles.takeFrom, [go]);
      const rest = Array.from({ length: 30 }, (_, i) => workers.apply(handles.putOnly, [inbox, i]));
      await Promise.all(rest);
      expect(inbox.qsize()).toBe(30);
      go.putSync('go');
      await busy;
    });

    test('a task that is run again, and one that is not', async () => {
      const workers = pool({ processes: 1 });
      const [orders, inbox] = [queue<string>(), queue<string>()];
      orders.putSync('die');
      const tried = workers.apply(handles.obey, [orders, inbox], { retries: 1 });
      orders.putSync('live');
      expect(await tried).toBe('live');
      orders.putSync('die');
      expect((await errorOf(workers.apply(handles.obey, [orders, inbox]))).code).toBe(
        'ERR_FORKFUL_WORKER_LOST',
      );
      expect(inbox.getManySync(9)).toEqual(['die', 'live', 'die']);
    });

    test('a pool that is terminated lets go of what its tasks had', async () => {
      const workers = pool({ processes: 1 });
      const never = queue();
      const [a, b] = pipe();
      const tasks = [never, b, b].map((object) => errorOf(workers.apply(handles.takeFrom, [never, object])));
      b.close();
      await workers.terminate();
      for (const failed of tasks) expect((await failed).code).toBe('ERR_FORKFUL_POOL_TERMINATED');
      expect(await endOf(a)).toBe(END);
    });
  });

  test('more descriptors than one message takes are refused, or are none', async () => {
    const through = queue();
    const locks = Array.from({ length: 126 }, () => own(new context.Lock()));
    if (!isShared) {
      through.putSync(locks);
      for (const lock of through.getNowait()) own(lock);
      return;
    }
    expect(thrown(() => through.putSync(locks))).toMatchObject({
      code: 'ERR_FORKFUL_SERIALIZATION',
      message: expect.stringContaining('250 file descriptors'),
    });
    through.putSync(locks.slice(1));
    for (const lock of through.getNowait()) own(lock);
  });
});
