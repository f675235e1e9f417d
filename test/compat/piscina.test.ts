import { once } from 'node:events';
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { until } from '../contract/methods';

// What require() gives is the class itself.
/* eslint-disable @typescript-eslint/no-require-imports */
type Class = typeof import('forkful/compat/piscina').Piscina;
const original = require('piscina') as Class;
const adapter = require('forkful/compat/piscina') as Class;

const both: [name: string, Piscina: Class][] = [
  ['original', original],
  ['adapter', adapter],
];
const filename = join(__dirname, '..', 'fixtures', 'compat', 'piscina-tasks.js');

const pools: InstanceType<Class>[] = [];
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.destroy()));
});

const errorOf = async (promise: Promise<unknown>): Promise<Error & Record<string, unknown>> => {
  try {
    await promise;
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
  throw new Error('expected a rejection');
};

describe.each(both)('piscina: %s', (kind, Piscina) => {
  type Options = NonNullable<ConstructorParameters<Class>[0]>;
  const env = kind === 'original' ? { COMPAT_ORIGINAL: '1' } : {};
  const make = (options: Options = {}) => {
    const pool = new Piscina({
      filename,
      minThreads: 1,
      maxThreads: 1,
      env: { ...process.env, ...env },
      ...options,
    });
    pools.push(pool);
    // A task that the original refuses for want of a queue may run all the same; what it then says is an error to it.
    if (kind === 'original') pool.on('error', () => undefined);
    return pool;
  };

  test('exports', () => {
    expect(Piscina.version).toBe(original.version);
    expect(Piscina.Piscina).toBe(Piscina);
    expect([Piscina.isWorkerThread, Piscina.workerData]).toEqual([false, undefined]);
    for (const name of ['transferableSymbol', 'valueSymbol', 'queueOptionsSymbol'] as const)
      expect(Piscina[name]).toBe(original[name]);
    const statics = (of: object) => Object.getOwnPropertyNames(of).sort();
    expect(statics(Piscina)).toEqual(statics(original));
    expect(statics(Piscina.prototype)).toEqual(statics(original.prototype));
    expect(make()).toBeInstanceOf(EventEmitter);
  });

  test('options and their defaults', () => {
    const pool = new Piscina({ minThreads: 0 });
    pools.push(pool);
    const { minThreads, maxThreads, maxQueue, name, idleTimeout, concurrentTasksPerWorker, closeTimeout } =
      pool.options;
    expect({ minThreads, name, idleTimeout, concurrentTasksPerWorker, closeTimeout }).toEqual({
      minThreads: 0,
      name: 'default',
      idleTimeout: 0,
      concurrentTasksPerWorker: 1,
      closeTimeout: 30000,
    });
    expect(maxQueue).toBe(Infinity);
    expect(pool.maxThreads).toBe(maxThreads);
    expect(make({ maxQueue: 'auto', maxThreads: 3 }).options.maxQueue).toBe(9);
    expect(make({ filename: pathToFileURL(filename).href }).options.filename).toBe(filename);
  });

  test.each([
    [{ filename: 5 }, 'options.filename must be a string or null'],
    [{ name: 5 }, 'options.name must be a string or null'],
    [{ minThreads: -1 }, 'options.minThreads must be a non-negative integer'],
    [{ maxThreads: 0 }, 'options.maxThreads must be a positive integer'],
    [{ minThreads: 3, maxThreads: 2 }, 'options.minThreads and options.maxThreads must not conflict'],
    [{ idleTimeout: -1 }, 'options.idleTimeout must be a non-negative integer'],
    [{ maxQueue: 'some' }, 'options.maxQueue must be a non-negative integer'],
    [{ concurrentTasksPerWorker: 0 }, 'options.concurrentTasksPerWorker must be a positive integer'],
    [{ atomics: 'on' }, 'options.atomics should be a value of sync, sync or disabled.'],
    [{ resourceLimits: null }, 'options.resourceLimits must be an object'],
    [{ taskQueue: {} }, 'options.taskQueue must be a TaskQueue object'],
    [{ niceIncrement: -1 }, 'options.niceIncrement must be a non-negative integer on Unix systems'],
    [{ trackUnmanagedFds: 1 }, 'options.trackUnmanagedFds must be a boolean value'],
    [{ closeTimeout: -1 }, 'options.closeTimeout must be a non-negative integer'],
    [{ loadBalancer: () => null }, 'options.loadBalancer must be a function with at least two args'],
    [{ workerHistogram: 1 }, 'options.workerHistogram must be a boolean'],
    [{ stricterFIFO: 1 }, 'options.stricterFIFO must be a boolean'],
  ])('refuses %j', (options, message) => {
    expect(() => new Piscina(options as never)).toThrow(message);
  });

  test('run: the default export, a named one, one of another file, and none', async () => {
    const pool = make();
    expect(await pool.run(1)).toEqual(['default', 1]);
    expect(await pool.run(2, { name: 'double' })).toBe(4);
    expect(await make({ name: 'double' }).run(3)).toBe(6);
    expect(await make({ filename: null }).run(1, { filename })).toEqual(['default', 1]);
    expect((await errorOf(pool.run(1, { name: 'notAFunction' }))).message).toMatch(
      'No handler function exported from',
    );
    expect((await errorOf(make({ filename: null }).run(1))).message).toBe(
      'filename must be provided to run() or in options object',
    );
    expect(pool.completed).toBe(3);
  });

  test.each([
    [null, 'options must be an object'],
    [{ transferList: 5 }, 'transferList argument must be an Array'],
    [{ filename: 5 }, 'filename argument must be a string'],
    [{ name: 5 }, 'name argument must be a string'],
    [{ signal: 5 }, 'signal argument must be an object'],
  ])('run refuses %j', async (options, message) => {
    expect((await errorOf(make().run(1, options as never))).message).toBe(message);
  });

  test('errors, exits and what nobody caught', async () => {
    const pool = make();
    expect(await errorOf(pool.run(1, { name: 'fail' }))).toMatchObject({
      name: 'RangeError',
      message: 'out of range',
    });
    expect((await errorOf(pool.run(3, { name: 'exit' }))).message).toBe('worker exited with code: 3');
    expect((await errorOf(pool.run(1, { name: 'uncaught' }))).message).toBe('not caught');
    expect(await pool.run(1, { name: 'double' })).toBe(2);
  });

  test('an abort: while it runs, while it waits, and before', async () => {
    const pool = make();
    const controller = new AbortController();
    const running = errorOf(pool.run(1, { name: 'spin', signal: controller.signal }));
    const waiting = new EventEmitter();
    const second = errorOf(pool.run(1, { signal: waiting }));
    const behind = pool.run(4, { name: 'double' });
    await once(pool, 'message');
    waiting.emit('abort');
    controller.abort('why');
    expect(await running).toMatchObject({
      name: 'AbortError',
      message: 'The task has been aborted',
      cause: 'why',
    });
    expect(await second).toMatchObject({ name: 'AbortError' });
    expect(await behind).toBe(8);
    expect(await errorOf(pool.run(1, { signal: AbortSignal.abort('at once') }))).toMatchObject({
      cause: 'at once',
    });
  });

  test('maxQueue', async () => {
    const pool = make({ maxQueue: 1 });
    const tasks = [pool.run(20, { name: 'sleep' }), pool.run(20, { name: 'sleep' })];
    expect(pool.queueSize).toBe(1);
    expect((await errorOf(pool.run(1))).message).toBe('Task queue is at limit');
    await Promise.all(tasks);
    const none = make({ maxQueue: 0 });
    const task = none.run(20, { name: 'sleep' });
    expect((await errorOf(none.run(1))).message).toBe('No task queue available and all Workers are busy');
    await task;
  });

  test('needsDrain and drain', async () => {
    const pool = make();
    const seen: string[] = [];
    pool.on('needsDrain', () => seen.push(`needsDrain ${pool.needsDrain}`));
    pool.on('drain', () => seen.push(`drain ${pool.needsDrain}`));
    await Promise.all([pool.run(1), pool.run(2)]);
    await until(() => seen.includes('drain false'));
    expect(seen[0]).toBe('needsDrain true');
  });

  test('threads start on demand, and go when they are idle', async () => {
    const pool = make({ minThreads: 1, maxThreads: 2, idleTimeout: 20 });
    expect([pool.minThreads, pool.maxThreads, pool.threads.length]).toEqual([1, 2, 1]);
    const tasks = [pool.run(30, { name: 'sleep' }), pool.run(30, { name: 'sleep' })];
    expect(pool.threads.length).toBe(2);
    await Promise.all(tasks);
    await until(() => pool.threads.length === 1);
    expect(pool.idleThreads).toBe(1);
  });

  test('concurrentTasksPerWorker', async () => {
    const pool = make({ concurrentTasksPerWorker: 2 });
    const tasks = [50, 50, 50].map((ms) => pool.run(ms, { name: 'sleep' }));
    expect(pool.queueSize).toBe(1);
    expect(await Promise.all(tasks)).toEqual([50, 50, 50]);
  });

  test('what workers have of the pool', async () => {
    const pool = make({
      workerData: { n: 1 },
      argv: ['a', 'b'],
      execArgv: ['--no-warnings'],
      env: { ...process.env, ...env, COMPAT: 'yes' },
    });
    expect(await pool.run(0, { name: 'about' })).toEqual({
      isWorkerThread: true,
      isMainThread: false,
      workerData: { n: 1 },
      threadData: { n: 1 },
      argv: ['a', 'b'],
      env: 'yes',
      flags: ['--no-warnings'],
    });
    expect(() => make({ workerData: { fn: () => 1 } })).toThrow(/could not be cloned/);
  });

  test('move and transferList', async () => {
    const pool = make();
    const buffer = new ArrayBuffer(7);
    expect(await pool.run({ buffer }, { name: 'size', transferList: [buffer] })).toBe(7);
    expect(buffer.byteLength).toBe(0);
    const moved = new Uint8Array(3);
    expect(await pool.run(Piscina.move(moved), { name: 'identity' })).toEqual(new Uint8Array(3));
    expect(moved.byteLength).toBe(0);
    expect(((await pool.run(0, { name: 'moved' })) as ArrayBuffer).byteLength).toBe(5);
    expect(Piscina.move(5 as never)).toBe(5);
  });

  test('histogram, utilization, duration', async () => {
    const pool = make();
    expect(pool.utilization).toBe(0);
    await Promise.all([pool.run(20, { name: 'sleep' }), pool.run(20, { name: 'sleep' })]);
    const { histogram } = pool;
    expect(histogram.runTime.average).toBeGreaterThanOrEqual(15);
    expect(histogram.waitTime.max).toBeGreaterThanOrEqual(15);
    expect(Object.keys(histogram.runTime)).toEqual(
      expect.arrayContaining(['p0_001', 'p50', 'p99_999', 'stddev']),
    );
    expect(pool.utilization).toBeGreaterThan(0);
    expect(pool.utilization).toBeLessThan(1);
    expect(pool.duration).toBeGreaterThan(0);
    histogram.resetRunTime();
    histogram.resetWaitTime();
    expect([histogram.runTime.max, histogram.waitTime.max]).toEqual([0, 0]);
    expect(make({ recordTiming: false }).histogram.runTime).toBeUndefined();
  });

  test('a queue and a balancer of the user', async () => {
    const queue = new Piscina.ArrayTaskQueue();
    const asked: number[] = [];
    const pool = make({
      taskQueue: queue,
      maxThreads: 2,
      minThreads: 2,
      loadBalancer: (task, workers) => {
        asked.push(task.taskId);
        return workers.find((worker) => worker.currentUsage === 0) ?? null;
      },
    });
    expect(await Promise.all([1, 2, 3, 4].map((x) => pool.run(x, { name: 'double' })))).toEqual([2, 4, 6, 8]);
    expect(asked.length).toBeGreaterThanOrEqual(4);
    expect(queue.size).toBe(0);
  });

  test('close waits, takes nothing more, and tells', async () => {
    const pool = make();
    const tasks = [pool.run(20, { name: 'sleep' }), pool.run(20, { name: 'sleep' })];
    const closed = once(pool, 'close');
    const closing = pool.close();
    expect(await errorOf(pool.run(1))).toMatchObject({
      name: 'AbortError',
      cause: 'queue is being terminated',
    });
    expect(await Promise.all(tasks)).toEqual([20, 20]);
    await closing;
    await closed;
    expect(pool.threads.length).toBe(0);
    expect((await errorOf(pool.close({ force: 1 as never }))).message).toBe(
      'force argument must be a boolean',
    );
  });

  test('close by force, and close that takes too long', async () => {
    const pool = make();
    const running = pool.run(30, { name: 'sleep' });
    const waiting = errorOf(pool.run(30, { name: 'sleep' }));
    await pool.close({ force: true });
    expect(await running).toBe(30);
    expect(await waiting).toMatchObject({ name: 'AbortError' });

    const late = make({ closeTimeout: 20 });
    const task = errorOf(late.run(60_000, { name: 'sleep' }));
    const told = once(late, 'error');
    await late.close();
    expect(((await told) as [Error])[0].message).toBe('Close operation timed out');
    expect((await task).message).toBe('Terminating worker thread');
  });

  test('destroy', async () => {
    const pool = make();
    const tasks = [pool.run(60_000, { name: 'sleep' }), pool.run(1)].map(errorOf);
    await pool.destroy();
    for (const task of tasks) expect((await task).message).toBe('Terminating worker thread');
    expect(pool.threads.length).toBe(0);
  });

  test('workerCreate and workerDestroy', async () => {
    const pool = make();
    const seen: unknown[] = [];
    pool.on('workerCreate', (worker: { id: number }) => seen.push(['create', worker.id]));
    pool.on('workerDestroy', (worker: { id: number; destroyed: boolean }) =>
      seen.push(['destroy', worker.id]),
    );
    const { threadId } = pool.threads[0]!;
    await pool.run(1);
    await pool.close();
    expect(seen).toEqual([
      ['create', threadId],
      ['destroy', kind === 'original' ? expect.any(Number) : threadId],
    ]);
  });
});

describe('better than the original', () => {
  const make = () => {
    const pool = new adapter({ filename, maxThreads: 1 });
    pools.push(pool);
    return pool;
  };

  test('a Buffer stays a Buffer, an error keeps what it carries', async () => {
    const buffer = Buffer.from('x');
    const received: unknown = await make().run(buffer, { name: 'identity' });
    expect(Buffer.isBuffer(received)).toBe(true);
    expect(await errorOf(make().run(1, { name: 'fail' }))).toMatchObject({ detail: 1 });
  });

  test('a worker is a process', async () => {
    const pool = make();
    await pool.run(1);
    const [worker] = pool.threads as unknown as {
      pid: number;
      terminate(): Promise<number>;
      postMessage(): void;
    }[];
    expect(worker!.pid).not.toBe(process.pid);
    expect(() => worker!.postMessage()).toThrow(/takes tasks, not messages/);
    await worker!.terminate();
    expect(pool.threads).not.toContain(worker); // another one has taken its place
    expect(await pool.run(1, { name: 'double' })).toBe(2);
  });

  test('a MessagePort is refused, with what to use', async () => {
    const { port1 } = new MessageChannel();
    const error = await errorOf(make().run({ port1 }, { transferList: [port1] }));
    expect(error).toMatchObject({ code: 'ERR_FORKFUL_UNSUPPORTED' });
    expect(error.message).toMatch(/Connection of Pipe.*got MessagePort/);
    port1.close();
  });

  test('what threads share is refused, with what to use', async () => {
    const shared = new Int32Array(new SharedArrayBuffer(4));
    expect((await errorOf(make().run(shared))).message).toMatch(/SharedArrayBuffer.*belongs to one process/);
  });
});
