import { Queue } from 'forkful';
import * as tasks from '../fixtures/tasks.js';
import { describeEach, errorOf, thrown } from './methods';

describeEach('Queue', ({ context }) => {
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

  test('values of all kinds come out as they went in, in order', async () => {
    const q = queue<unknown>();
    const cyclic: { self?: unknown; list: number[] } = { list: [1, 2, 3] };
    cyclic.self = cyclic;
    const values = [
      undefined, null, true, false, 0, -0, 1.5, NaN, Infinity, -1, 2 ** 31, 12345678901234567890n, -5n, '', 'text', 'naïve – 漢字 🎉',
      'x'.repeat(100_000), '\ud800', { a: 1, b: [1, , 3] }, new Map([[{ k: 1 }, new Set([1, 'x'])]]), new Date(5), /a+b/gi,
      new Float64Array([1.5, -0]), new BigUint64Array([2n ** 63n]), new Uint8Array([1, 2]), new ArrayBuffer(3), Object(5), cyclic,
    ]; // prettier-ignore
    for (const value of values) await q.put(value);
    expect(q.qsize()).toBe(values.length);
    for (const value of values) expect(await q.get()).toEqual(value);
    expect(q.empty()).toBe(true);
    const bytes = Buffer.from('bytes');
    q.putSync(bytes);
    const received = q.getSync();
    expect(Buffer.isBuffer(received)).toBe(true);
    expect(received).toEqual(bytes);
  });

  test('what is sent is the value at the call', async () => {
    const q = queue<{ a: number }>();
    const value = { a: 1 };
    const put = q.put(value);
    value.a = 2;
    await put;
    expect(await q.get()).toEqual({ a: 1 });
  });

  test('errors, class instances and unserializable values', async () => {
    const q = queue<unknown>();
    class Foreign extends Error {}
    q.putNowait(Object.assign(new TypeError('t', { cause: new Foreign('f') }), { code: 'X' }));
    const error = q.getNowait() as Error & { code: string };
    expect(error).toMatchObject({ name: 'TypeError', message: 't', code: 'X' });
    expect(error.cause).toMatchObject({ message: 'f', code: 'ERR_FORKFUL_REMOTE' });
    q.putNowait(new tasks.Point(3, 4));
    expect((q.getNowait() as { length(): number }).length()).toBe(5);
    for (const [bad, path] of [
      [{ a: { b: () => 1 } }, 'value.a.b'],
      [[1, Symbol('s')], 'value[1]'],
      [{ 'not an identifier': new WeakMap() }, 'value["not an identifier"]'],
      [Promise.resolve(), 'value'],
      [new SharedArrayBuffer(8), 'value'],
    ] as const) {
      const failure = await errorOf(q.put(bad));
      expect(failure).toMatchObject({ code: 'ERR_FORKFUL_SERIALIZATION', path });
    }
    expect(q.qsize()).toBe(0);
    q.putNowait('still works');
    expect(q.getNowait()).toBe('still works');
  });

  test('maxsize: full, timeouts, Nowait, and un-awaited puts that keep their order', async () => {
    const q = queue<number>(2);
    await q.put(1);
    await q.put(2);
    expect(q.full()).toBe(true);
    expect(thrown(() => q.putNowait(3)).code).toBe('ERR_FORKFUL_FULL');
    expect((await errorOf(q.put(3, { timeout: 5 }))).code).toBe('ERR_FORKFUL_FULL');
    expect((await errorOf(q.put(3, { timeout: 0 }))).code).toBe('ERR_FORKFUL_FULL');
    expect(thrown(() => q.putSync(3, { timeout: 5 })).code).toBe('ERR_FORKFUL_FULL');
    const puts = [3, 4, 5, 6].map((value) => q.put(value));
    expect(q.qsize()).toBe(2);
    const got: number[] = [];
    while (got.length < 6) got.push(await q.get());
    await Promise.all(puts);
    expect(got).toEqual([1, 2, 3, 4, 5, 6]);
    expect((await errorOf(q.get({ timeout: 5 }))).code).toBe('ERR_FORKFUL_EMPTY');
    expect((await errorOf(q.get({ timeout: 0 }))).code).toBe('ERR_FORKFUL_EMPTY');
    expect(thrown(() => q.getSync({ timeout: 5 })).code).toBe('ERR_FORKFUL_EMPTY');
    expect(thrown(() => q.getNowait()).code).toBe('ERR_FORKFUL_EMPTY');
  });

  test('capacity in bytes; a larger message passes alone', async () => {
    const q = queue<Buffer>({ capacity: 1000 });
    q.putNowait(Buffer.alloc(5000, 7));
    expect(thrown(() => q.putNowait(Buffer.alloc(1))).code).toBe('ERR_FORKFUL_FULL');
    expect((await q.get()).length).toBe(5000);
    q.putNowait(Buffer.alloc(500));
    expect(thrown(() => q.putNowait(Buffer.alloc(500))).code).toBe('ERR_FORKFUL_FULL');
  });

  test('aborted waits take nothing', async () => {
    const q = queue<number>();
    const controller = new AbortController();
    const get = errorOf(q.get({ signal: controller.signal }));
    const reason = new Error('changed my mind');
    controller.abort(reason);
    expect(await get).toBe(reason);
    expect(await errorOf(q.get({ signal: controller.signal }))).toBe(reason);
    const later = q.get();
    q.putNowait(1);
    expect(await later).toBe(1);
  });

  test('several waiting gets are served in order; a Sync call comes after them', async () => {
    const q = queue<number>();
    const gets = [q.get(), q.get(), q.get()];
    await q.putMany([1, 2, 3, 4]);
    expect(q.getSync()).toBe(4);
    expect(await Promise.all(gets)).toEqual([1, 2, 3]);
  });

  test('putMany and getMany', async () => {
    const q = queue<number>();
    const numbers = Array.from({ length: 1000 }, (_, i) => i);
    await q.putMany(numbers);
    const got: number[] = [];
    while (got.length < 1000) got.push(...(await q.getMany(300)));
    expect(got).toEqual(numbers);
    const bounded = queue<number>(10);
    const put = bounded.putMany(numbers);
    const slowly: number[] = [];
    while (slowly.length < 1000) slowly.push(...(await bounded.getMany(7)));
    await put;
    expect(slowly).toEqual(numbers);
    q.putManySync(['a', 'b'] as never);
    expect(q.getManySync(5)).toEqual(['a', 'b']);
    expect((await errorOf(q.getMany(1, { timeout: 1 }))).code).toBe('ERR_FORKFUL_EMPTY');
    expect((await errorOf(q.getMany(0))).code).toBe('ERR_FORKFUL_INVALID_ARGUMENT');
  });

  test('closed queues refuse, and waiting calls end', async () => {
    const q = queue<number>(1);
    const get = errorOf(q.get());
    q.close();
    q.close();
    expect((await get).code).toBe('ERR_FORKFUL_CLOSED');
    expect((await errorOf(q.put(1))).code).toBe('ERR_FORKFUL_CLOSED');
    expect(thrown(() => q.getSync()).code).toBe('ERR_FORKFUL_CLOSED');
    expect(thrown(() => q.qsize()).code).toBe('ERR_FORKFUL_CLOSED');
  });

  test('wrong options', () => {
    expect(thrown(() => new Queue('x' as never)).message).toMatch(/Queue options must be an object.*"x"/);
    expect(thrown(() => new Queue({ maxsize: 1.5 })).message).toMatch(/"maxsize".*integer.*1\.5/);
    expect(thrown(() => new Queue({ max: 1 } as never)).message).toMatch(/"max"/);
    const q = queue<number>();
    expect(thrown(() => q.getSync({ timeout: 'soon' } as never)).message).toMatch(
      /"timeout".*milliseconds.*"soon"/,
    );
  });

  test('parent and child, in both directions, blocking in the child', async () => {
    const [input, output] = [queue<unknown>(), queue<unknown>()];
    const child = new P({ target: tasks.echoSync, args: [input, output] });
    await child.start();
    for (let i = 0; i < 200; i++) {
      const value = i % 3 === 0 ? Buffer.from(String(i)) : { i };
      await input.put(value);
      expect(await output.get()).toEqual(value);
    }
    for (let i = 0; i < 200; i++) {
      input.putSync(i);
      expect(output.getSync()).toBe(i);
    }
    await input.put('stop');
    expect(await child.result()).toBe('stopped');
    await child.join();
  });

  test('between children: many producers, many consumers, nothing lost, order kept for each producer', async () => {
    const [work, results] = [queue<unknown>(50), queue<{ from: number; i: number }>()];
    const producers = [0, 1, 2].map((from) => new P({ target: tasks.produce, args: [work, from, 300] }));
    const consumers = [0, 1].map(() => new P({ target: tasks.consume, args: [work, results, 'stop'] }));
    await Promise.all([...producers, ...consumers].map((process) => process.start()));
    await Promise.all(producers.map((process) => process.join()));
    await work.put('stop');
    await work.put('stop');
    const counts = (await Promise.all(consumers.map((process) => process.result()))) as number[];
    expect(counts[0]! + counts[1]!).toBe(900);
    const all = await results.getMany(1000);
    expect(all.length).toBe(900);
    expect(new Set(all.map(({ from, i }) => from * 1000 + i)).size).toBe(900);
    await Promise.all(consumers.map((process) => process.join()));
  });

  test('a child that has put much exits, is joined, and everything is read afterwards', async () => {
    const q = queue<Buffer>();
    const child = new P({ target: tasks.produceManySync, args: [q, 20_000, 1000] });
    await child.start();
    expect(await child.join()).toBe(true);
    expect(q.qsize()).toBe(20_000);
    let next = 0;
    while (!q.empty()) {
      for (const buffer of await q.getMany(500)) {
        if (buffer.length !== 1000 || buffer[999] !== next++ % 256)
          throw new Error(`message ${next} is not right`);
      }
    }
    expect(next).toBe(20_000);
  });

  test('a message of 64 MiB', async () => {
    const [input, output] = [queue<unknown>(), queue<unknown>()];
    const child = new P({ target: tasks.echoSync, args: [input, output] });
    await child.start();
    const big = Buffer.alloc(64 << 20, 'forkful ');
    await input.put(big);
    expect(big.equals((await output.get()) as Buffer)).toBe(true);
    child.kill();
    await child.join();
  });

  test('what a killed producer had put stays, and others go on', async () => {
    const q = queue<string>(3);
    for (let i = 0; i < 3; i++) {
      const child = new P({ target: tasks.putAndHang, args: [q, `from ${i}`] });
      await child.start();
      expect(await q.get()).toBe(`from ${i}`);
      child.kill();
      await child.join();
    }
    q.putNowait('mine');
    expect(q.getNowait()).toBe('mine');
  });

  test('un-awaited puts go on during a joinSync', async () => {
    const [input, output] = [queue<unknown>(1), queue<unknown>()];
    const child = new P({ target: tasks.echoSync, args: [input, output] });
    await child.start();
    const puts = [1, 2, 3, 4, 5, 'stop'].map((value) => input.put(value));
    expect(child.joinSync({ timeout: 20_000 })).toBe(true);
    await Promise.all(puts);
    expect(await output.getMany(10)).toEqual([1, 2, 3, 4, 5]);
  });
});
