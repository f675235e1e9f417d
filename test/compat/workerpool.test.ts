import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as original from 'workerpool';
import * as adapter from 'forkful/compat/workerpool';
import { until } from '../contract/methods';

type Adapter = typeof adapter;
type Pool = ReturnType<Adapter['pool']>;

/** Both behave the same, but for what stands below under "better than the original". */
const both: [name: string, workerpool: Adapter][] = [
  ['original', original as unknown as Adapter],
  ['adapter', adapter],
];

const fixture = (name: string) => join(__dirname, '..', 'fixtures', 'compat', name);
const pools: Pool[] = [];
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'forkful-compat-test-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(async () => {
  await Promise.all(pools.splice(0).map((pool) => pool.terminate(true)));
});

const exportsOf = (module: object) =>
  Object.keys(module)
    .filter((name) => name !== 'default')
    .sort();

/** A task that runs: it has emitted something. */
async function begun(pool: Pool, method: string) {
  const events: unknown[] = [];
  let task: adapter.Promise<unknown> | undefined;
  await new Promise<void>((resolve) => {
    const on = (event: unknown) => {
      events.push(event);
      resolve();
    };
    task = pool.exec(method, [], { on });
  });
  return { task: task!, events };
}

const errorOf = async (promise: PromiseLike<unknown>): Promise<Error> => {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error('expected a rejection');
};

describe.each(both)('workerpool: %s', (name, workerpool) => {
  const script = fixture(`workerpool-${name}.js`);
  const make = (options: adapter.WorkerPoolOptions = {}, file: string | undefined = script): Pool => {
    const pool = workerpool.pool(file, { workerType: 'process', maxWorkers: 2, ...options });
    pools.push(pool);
    return pool;
  };
  const withoutScript = (options: adapter.WorkerPoolOptions = {}) => {
    const pool = workerpool.pool({ workerType: 'process', maxWorkers: 2, ...options });
    pools.push(pool);
    return pool;
  };

  test('exports', () => {
    expect(exportsOf(workerpool)).toEqual(exportsOf(original));
    expect(workerpool.platform).toBe('node');
    expect(workerpool.isMainThread).toBe(original.isMainThread);
    expect(workerpool.cpus).toBe(original.cpus);
  });

  test('properties and their defaults', () => {
    const pool = withoutScript();
    expect(pool).toMatchObject({
      script: null,
      forkArgs: [],
      forkOpts: {},
      workerOpts: {},
      workerThreadOpts: {},
      workerType: 'process',
      maxQueueSize: Infinity,
      workerTerminateTimeout: 1000,
      emitStdStreams: false,
      maxWorkers: 2,
    });
    expect(make().script).toBe(script);
    const other = workerpool.pool();
    expect(other.maxWorkers).toBe(Math.max(1, original.cpus - 1));
    expect(other.workerType).toBe('auto');
  });

  test('exec of a registered function, of any function, and of none', async () => {
    const pool = make();
    expect(await pool.exec('add', [1, 2])).toBe(3);
    expect(await pool.exec((a: number, b: number) => a * b, [3, 4])).toBe(12);
    expect(await pool.exec('mainThread')).toBe(false);
    expect((await errorOf(pool.exec('nothing'))).message).toBe('Unknown method "nothing"');
  });

  test('exec refuses what is of another type', () => {
    const pool = make();
    expect(() => pool.exec(5 as never)).toThrow('Function or string expected as argument "method"');
    expect(() => pool.exec('add', 5 as never)).toThrow('Array expected as argument "params"');
    expect(() => pool.proxy(1)).toThrow('No arguments expected');
  });

  test('errors of functions', async () => {
    const pool = make();
    const error = (await errorOf(pool.exec('fail'))) as Error & { detail: unknown };
    expect(error.message).toBe('out of range');
    expect(error.stack).toMatch(/workerpool-methods\.js/);
    expect(error.detail).toEqual(expect.any(Object));
    expect((await errorOf(pool.exec('failNow'))).message).toBe('wrong type');
  });

  test('proxy', async () => {
    const proxy = await make().proxy<{ add: (a: number, b: number) => number }>();
    expect(await proxy.add(4, 5)).toBe(9);
    expect(Object.keys(proxy)).toEqual(expect.arrayContaining(['run', 'methods', 'add', 'sleep']));
  });

  test.each([
    [{ maxWorkers: 0 }, 'Option maxWorkers must be an integer number >= 1'],
    [{ maxWorkers: 1.5 }, 'Option maxWorkers must be an integer number >= 1'],
    [{ minWorkers: -1 }, 'Option minWorkers must be an integer number >= 0'],
    [{ minWorkers: 'two' as never }, 'Option minWorkers must be an integer number >= 0'],
    [{ queueStrategy: 'random' as never }, 'Unknown queue strategy: random'],
    [{ queueStrategy: { push() {} } as never }, 'Queue strategy must implement method: pop'],
  ])('refuses %j', (options, message) => {
    expect(() => workerpool.pool(options)).toThrow(message);
  });

  test.each([
    [{ forkOpts: { cmd: 1 } }, 'Object "forkOpts" contains an unknown option "cmd"'],
    [
      { workerType: 'thread', workerThreadOpts: { cwd: '/' } } as const,
      'Object "workerThreadOpts" contains an unknown option "cwd"',
    ],
  ])('refuses %j when a worker is to be created', (options, message) => {
    const pool = workerpool.pool({ workerType: 'process', ...options });
    expect(() => pool.exec(() => 1)).toThrow(message);
  });

  test('stats and maxQueueSize', async () => {
    const pool = make({ maxQueueSize: 1 });
    expect(pool.stats()).toEqual({
      totalWorkers: 0,
      busyWorkers: 0,
      idleWorkers: 0,
      pendingTasks: 0,
      activeTasks: 0,
    });
    const tasks = [pool.exec('sleep', [20]), pool.exec('sleep', [20]), pool.exec('sleep', [20])];
    expect(pool.stats()).toEqual({
      totalWorkers: 2,
      busyWorkers: 2,
      idleWorkers: 0,
      pendingTasks: 1,
      activeTasks: 2,
    });
    expect(() => pool.exec('add', [1, 2])).toThrow('Max queue size of 1 reached');
    await workerpool.Promise.all(tasks);
    expect(pool.stats()).toMatchObject({ totalWorkers: 2, busyWorkers: 0, idleWorkers: 2, pendingTasks: 0 });
  });

  test.each([
    ['fifo', [1, 2, 3]],
    ['lifo', [3, 2, 1]],
  ] as const)('the queue strategy %s', async (queueStrategy, expected) => {
    const pool = make({ maxWorkers: 1, queueStrategy });
    const order: number[] = [];
    const first = pool.exec('sleep', [10]);
    const rest = [1, 2, 3].map((n) => pool.exec('add', [n, 0]).then((sum: number) => order.push(sum)));
    await workerpool.Promise.all([first, ...rest]);
    expect(order).toEqual(expected);
  });

  test('a queue of the user', async () => {
    const tasks: adapter.Task[] = [];
    const queue: adapter.TaskQueue = {
      push: (task) => void tasks.push(task),
      pop: () => {
        tasks.sort((a, b) => (b.options?.metadata ?? 0) - (a.options?.metadata ?? 0));
        return tasks.shift();
      },
      size: () => tasks.length,
      contains: (task) => tasks.includes(task),
      clear: () => void (tasks.length = 0),
    };
    const pool = make({ maxWorkers: 1, queueStrategy: queue });
    const order: number[] = [];
    const first = pool.exec('sleep', [10]);
    const rest = [1, 3, 2].map((n) =>
      pool.exec('add', [n, 0], { metadata: n }).then((sum: number) => order.push(sum)),
    );
    expect(tasks[0]).toMatchObject({
      method: 'add',
      params: [1, 0],
      timeout: null,
      options: { metadata: 1 },
    });
    await workerpool.Promise.all([first, ...rest]);
    expect(order).toEqual([3, 2, 1]);
  });

  test('minWorkers are there at once', async () => {
    const pool = make({ minWorkers: 'max' });
    expect(pool.stats().totalWorkers).toBe(2);
    expect(pool.minWorkers).toBe(2);
    expect(await pool.exec('add', [1, 1])).toBe(2);
    expect(make({ minWorkers: 3, maxWorkers: 1 })).toMatchObject({ minWorkers: 3, maxWorkers: 3 });
  });

  test('a worker that exits or is killed', async () => {
    const pool = make({ maxWorkers: 1 });
    const exited = await errorOf(pool.exec('exit', [7]));
    expect(exited).toBeInstanceOf(workerpool.TerminateError);
    expect(exited.message).toMatch(
      /^Workerpool Worker terminated Unexpectedly\n {4}exitCode: `7`\n {4}signalCode: `null`\n/,
    );
    expect(exited.message).toContain(`workerpool.script: \`${script}\``);
    const killed = await errorOf(pool.exec('kill'));
    expect(killed.message).toMatch(/exitCode: `null`\n {4}signalCode: `SIGKILL`/);
    expect(await pool.exec('add', [1, 2])).toBe(3);
  });

  test.each(['never', 'spin'])('cancel of %s', async (method) => {
    const pool = make({ maxWorkers: 1, workerTerminateTimeout: 50 });
    const before: number = await pool.exec('pid');
    const { task } = await begun(pool, method);
    expect(task.pending).toBe(true);
    expect(task.cancel()).toBe(task);
    const error = await errorOf(task);
    expect(error).toBeInstanceOf(workerpool.Promise.CancellationError);
    expect(error).toMatchObject({ name: 'CancellationError', message: 'promise cancelled' });
    expect(pool.stats().busyWorkers).toBe(1);
    const after: number = await pool.exec('pid'); // waits until the worker is gone
    expect(after).not.toBe(before);
  });

  test('cancel of what waits', async () => {
    const pool = make({ maxWorkers: 1 });
    const first = pool.exec('sleep', [10]);
    const second = pool.exec('add', [1, 1]);
    second.cancel();
    expect(await errorOf(second)).toBeInstanceOf(workerpool.Promise.CancellationError);
    expect(await first).toBe(10);
  });

  test('timeout counts from the start', async () => {
    const pool = make({ maxWorkers: 1, minWorkers: 1, workerTerminateTimeout: 50 });
    await pool.exec('pid');
    const first = pool.exec('sleep', [300]);
    const second = pool.exec('add', [1, 2]).timeout(250);
    const third = pool.exec('never').timeout(30);
    expect(await first).toBe(300);
    expect(await second).toBe(3);
    const error = await errorOf(third);
    expect(error).toBeInstanceOf(workerpool.Promise.TimeoutError);
    expect(error).toMatchObject({ name: 'TimeoutError', message: 'Promise timed out after 30 ms' });
  });

  test('an abort listener keeps the worker, and may still emit', async () => {
    const pool = make({ maxWorkers: 1 });
    const pid: number = await pool.exec('pid');
    const { task, events } = await begun(pool, 'cleansUp');
    expect(await errorOf(task.timeout(30))).toBeInstanceOf(workerpool.Promise.TimeoutError);
    expect(await pool.exec('pid')).toBe(pid);
    expect(events).toEqual(['begun', 'cleaning']);
  });

  test('events', async () => {
    const pool = make();
    const events: unknown[] = [];
    expect(await pool.exec('events', [], { on: (event) => events.push(event) })).toBe('done');
    expect(events).toEqual([{ n: 1 }, { n: 2 }]);
  });

  test('Transfer', async () => {
    const pool = make({ forkOpts: { serialization: 'advanced' } });
    expect(await pool.exec('array', [3])).toEqual(new Uint8Array([7, 7, 7]));
    expect(await pool.exec('transferLater', [2])).toEqual(new Uint8Array([7, 7]));
    const threads = make({ workerType: 'thread' });
    const array = new Uint8Array([1, 2, 3]);
    expect(await threads.exec('sum', [array], { transfer: [array.buffer] })).toBe(6);
    expect(array.byteLength).toBe(0);
  });

  test('terminate lets what runs finish, and rejects what waits', async () => {
    const pool = make({ maxWorkers: 1 });
    const first = pool.exec('sleep', [30]);
    const second = errorOf(pool.exec('add', [1, 1]));
    await pool.terminate();
    expect(await first).toBe(30);
    expect((await second).message).toBe('Pool terminated');
    expect(pool.stats().totalWorkers).toBe(0);
    expect(await pool.exec('add', [1, 1])).toBe(2);
  });

  test('terminate by force', async () => {
    const pool = make({ maxWorkers: 1, workerTerminateTimeout: 50 });
    await pool.exec('pid');
    const running = errorOf(pool.exec('never'));
    await pool.terminate(true);
    expect((await running).message).toBe('Worker terminated');
  });

  test('terminate with a timeout', async () => {
    const pool = make({ maxWorkers: 1, workerTerminateTimeout: 50 });
    const { task } = await begun(pool, 'never');
    task.catch(() => undefined);
    await pool.terminate(false, 30);
    expect(task.pending).toBe(name === 'original'); // there it runs on
  });

  test('terminate of a pool that was never used', async () => {
    expect(await make().terminate()).toEqual([]);
  });

  test.each([false, true])('onTerminate, with force: %s', async (force) => {
    const note = join(folder, `${name}-${force}`);
    const pool = make({ forkOpts: { env: { ...process.env, COMPAT_NOTE: note } } });
    await pool.exec('pid');
    await pool.terminate(force);
    await until(() => existsSync(note));
    expect(readFileSync(note, 'utf8')).toBe('terminated 0\n');
  });

  test('forkArgs and forkOpts', async () => {
    const pool = make({
      forkArgs: ['--one', 'two'],
      forkOpts: { cwd: folder, env: { ...process.env, COMPAT: 5 }, execArgv: ['--no-warnings'] },
    });
    expect(await pool.exec('about')).toEqual({
      args: ['--one', 'two'],
      env: '5',
      cwd: folder,
      flags: ['--no-warnings'],
    });
  });

  test('workerThreadOpts', async () => {
    const pool = withoutScript({
      workerType: 'thread',
      workerThreadOpts: {
        argv: ['x'],
        env: { COMPAT: 'y' },
        workerData: { n: 1 },
        resourceLimits: { maxOldGenerationSizeMb: 64 },
      },
    });
    const about = await pool.exec(() => ({
      argv: process.argv.slice(2),
      env: process.env['COMPAT'],
      data: process.getBuiltinModule('node:worker_threads').workerData as unknown,
      limit: process.getBuiltinModule('node:v8').getHeapStatistics().heap_size_limit < 200 * 1024 * 1024,
    }));
    expect(about).toEqual({ argv: ['x'], env: 'y', data: { n: 1 }, limit: true });
  });

  test('onCreateWorker and onTerminateWorker', async () => {
    const created: adapter.WorkerArg[] = [];
    const terminated: adapter.WorkerArg[] = [];
    const pool = make({
      maxWorkers: 1,
      forkArgs: ['pool'],
      onCreateWorker: (arg) => {
        created.push(arg);
        return { forkArgs: ['worker', String(created.length)] };
      },
      onTerminateWorker: (arg) => void terminated.push(arg),
    });
    expect(await pool.exec('about')).toMatchObject({ args: ['worker', '1'] });
    expect(created).toMatchObject([{ forkArgs: ['pool'], script }]);
    await pool.terminate();
    expect(terminated).toMatchObject([{ forkArgs: ['worker', '1'], script }]);
    expect(await pool.exec('about')).toMatchObject({ args: ['worker', '2'] });
  });

  test('emitStdStreams', async () => {
    const pool = make({ emitStdStreams: true });
    const events: Record<string, string>[] = [];
    await pool.exec('print', [], { on: (event: Record<string, string>) => events.push(event) });
    expect(events).toEqual(expect.arrayContaining([{ stdout: 'to stdout\n' }, { stderr: 'to stderr\n' }]));
  });

  test('a script that does not load', async () => {
    const pool = make({ maxWorkers: 1, emitStdStreams: true }, fixture('throws.js'));
    const error = await errorOf(pool.exec('add', [1, 2], { on: () => undefined }));
    expect(error).toBeInstanceOf(workerpool.TerminateError);
    expect(error.message).toMatch(/exitCode: `1`/);
  });

  test('promises', async () => {
    const { Promise: Cancellable } = workerpool;
    const { promise, resolve } = Cancellable.defer();
    const seen: unknown[] = [];
    const chained = promise.then((value: number) => {
      seen.push(value);
      return value + 1;
    });
    expect([promise.pending, promise.resolved, promise.rejected]).toEqual([true, false, false]);
    resolve(1);
    expect(seen).toEqual([1]); // at once
    expect([promise.pending, promise.resolved, promise.rejected]).toEqual([false, true, false]);
    expect(await chained).toBe(2);
    expect(await Cancellable.all([])).toEqual([]);
    expect(await Cancellable.all([promise, chained])).toEqual([1, 2]);
    expect(await promise.finally(() => 5)).toBe(1);
    expect(await promise.finally()).toBe(1);
    expect(await promise.always(() => promise)).toBe(1);

    const failed = Cancellable.defer();
    failed.reject(new Error('no'));
    expect(failed.promise.rejected).toBe(true);
    expect(await failed.promise.catch((error) => error.message)).toBe('no');
    expect((await errorOf(failed.promise.finally(() => undefined))).message).toBe('no');
    expect((await errorOf(Cancellable.all([promise, failed.promise]))).message).toBe('no');
    const thrown = promise.then(() => {
      throw new Error('in then');
    });
    expect((await errorOf(thrown)).message).toBe('in then');

    const parent = Cancellable.defer();
    parent.promise
      .then(() => 1)
      .then(() => 2)
      .cancel();
    expect(await errorOf(parent.promise)).toBeInstanceOf(Cancellable.CancellationError);
    const slow = Cancellable.defer();
    expect(await errorOf(slow.promise.then(() => 1).timeout(5))).toMatchObject({
      message: 'Promise timed out after 5 ms',
    });
    expect(Object.prototype.toString.call(promise)).toBe('[object Promise]');
    expect(() => new Cancellable(5 as never)).toThrow(SyntaxError);
    expect(new Cancellable.TimeoutError()).toMatchObject({
      name: 'TimeoutError',
      message: 'timeout exceeded',
    });
    expect(new Cancellable.CancellationError('why').message).toBe('why');
  });
});

describe('better than the original', () => {
  const make = (options: adapter.WorkerPoolOptions = {}, script = fixture('workerpool-adapter.js')) => {
    const pool = adapter.pool(script, { maxWorkers: 1, ...options });
    pools.push(pool);
    return pool;
  };

  test('a Buffer stays a Buffer, a Map a Map, whatever the type', async () => {
    for (const workerType of ['auto', 'process'] as const) {
      const value = { buffer: Buffer.from('x'), map: new Map([[1, new Date(0)]]) };
      expect(await make({ workerType }).exec((x: typeof value) => x, [value])).toEqual(value);
    }
  });

  test('errors keep their class and all they carry', async () => {
    const error = await errorOf(make().exec('fail'));
    expect(error.constructor.name).toBe('RangeError');
    expect(error).toMatchObject({ name: 'RangeError', detail: { n: 1 } });
  });

  test('a forced end needs no worker that listens', async () => {
    const pool = make();
    const spinning = errorOf(pool.exec('spin'));
    await pool.terminate(true);
    expect((await spinning).message).toBe('Worker terminated');
  });

  test('what terminate(false, timeout) gave up on is ended', async () => {
    const pool = make();
    const running = errorOf((await begun(pool, 'never')).task);
    await pool.terminate(false, 20);
    expect((await running).message).toBe('Worker terminated');
  });

  test.each(['cleansUpBadly', 'cleansUpForEver'])('an abort listener that fails: %s', async (method) => {
    const pool = make();
    const pid: number = await pool.exec('pid');
    const { task } = await begun(pool, method);
    expect(await errorOf(task.timeout(30))).toBeInstanceOf(adapter.Promise.TimeoutError);
    expect(await pool.exec('pid')).not.toBe(pid);
  });

  test('a crash takes only the task that ran', async () => {
    const pool = make();
    const crash = errorOf(pool.exec('exit', [1]));
    const behind = pool.exec('add', [2, 2]);
    expect(await crash).toBeInstanceOf(adapter.TerminateError);
    expect(await behind).toBe(4);
  });

  test('a function that the worker has not registered is no method, whatever objects inherit', async () => {
    expect((await errorOf(make().exec('toString'))).message).toBe('Unknown method "toString"');
  });

  test('this.worker.emit', async () => {
    const events: unknown[] = [];
    await make().exec('eventOfThis', [], { on: (event) => events.push(event) });
    expect(events).toEqual(['from this']);
  });

  test('onTerminateWorker is told of a worker that crashed', async () => {
    const ended = new Promise((resolve) => {
      const pool = make({ onTerminateWorker: resolve });
      void pool.exec('exit', [1]).catch(() => undefined);
    });
    expect(await ended).toMatchObject({ script: fixture('workerpool-adapter.js') });
  });

  test('a script that is an ES module, and registers late', async () => {
    expect(await make({}, fixture('workerpool-late.mjs')).exec('late')).toBe(false);
  });

  test('what a pool of processes cannot give is told', () => {
    expect(() => make({ workerType: 'process', forkOpts: { uid: 1 } }).exec('add')).toThrow(
      /"uid" of forkOpts/,
    );
    expect(() => make({ workerType: 'web' }).exec('add')).toThrow('WorkerPool: Web Workers not supported');
  });

  test('worker() is for workers', () => {
    expect(() => adapter.worker({})).toThrow('Script must be executed as a worker');
    expect(() => adapter.workerEmit(1)).not.toThrow();
  });
});
