import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as original from 'jest-worker';
import * as adapter from 'forkful/compat/jest-worker';
import type * as methods from '../fixtures/compat/jest-methods.js';
import { hasSignals } from '../where';

const file = require.resolve('../fixtures/compat/jest-methods.js');
const packages: Record<string, typeof adapter> = {
  'jest-worker': original as unknown as typeof adapter,
  'forkful/compat/jest-worker': adapter,
};

type Farm = adapter.JestWorkerFarm<typeof methods>;

async function rejection(promise: Promise<unknown>): Promise<Error & { type?: string; extra?: unknown }> {
  return promise.then(
    () => Promise.reject(new Error('expected a rejection')),
    (error: Error) => error,
  );
}

describe.each(Object.entries(packages))('%s', (name, { Worker, FifoQueue, PriorityQueue }) => {
  const farms: adapter.Worker[] = [];
  function farm(options: adapter.WorkerFarmOptions = {}, path: string | URL = file): Farm {
    const made = new Worker(path, { numWorkers: 2, ...options });
    farms.push(made);
    return made as Farm;
  }
  afterEach(async () => {
    for (const made of farms.splice(0)) await made.end().catch(() => undefined);
  });

  test('methods, arguments, results', async () => {
    const made = farm();
    expect(await made.add(1, 2)).toBe(3);
    expect(await Promise.all([1, 2, 3, 4, 5].map((x) => made.later(x)))).toEqual([1, 2, 3, 4, 5]);
    expect(Object.keys(made)).toContain('add');
    expect('_hidden' in made && Object.hasOwn(made, '_hidden')).toBe(false);
    expect('notAFunction' in made).toBe(false);
    const cloned = await made.cloned(new Map([['a', 1]]), new Date(5), new Uint8Array([7]));
    expect(cloned).toEqual([1, 5, 1, new Map([[1, new Uint8Array([7])]])]);
  });

  test('a module that exports one function; file: URLs', async () => {
    const path = pathToFileURL(require.resolve('../fixtures/compat/jest-default.js'));
    const made = farm({}, path) as unknown as { default(x: number): Promise<number> };
    expect(await made.default(2)).toBe(6);
    expect(await (farm({}, String(path)) as unknown as typeof made).default(3)).toBe(9);
  });

  test('what is wrong with the arguments', () => {
    expect(() => farm({}, './relative.js')).toThrow(`'workerPath' must be absolute, got './relative.js'`);
    const made = farm({ exposedMethods: ['add'] });
    expect('later' in made).toBe(false);
  });

  test('setup runs once in each worker, teardown at the end; JEST_WORKER_ID', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'forkful-jest-'));
    const log = join(folder, 'log');
    const made = farm({ setupArgs: [name, log], numWorkers: 2 });
    await made.start();
    expect(await made.getArgs()).toEqual([name, log]);
    const ids = await Promise.all([made.id(), made.busy(50), made.id(), made.id()]);
    for (const id of [ids[0], ids[2], ids[3]]) expect(['1', '2']).toContain(id);
    expect(await made.end()).toEqual({ forceExited: false });
    expect(readFileSync(log, 'utf8')).toBe('torn\ntorn\n');
    await expect(async () => made.add(1, 2)).rejects.toThrow(
      'Farm is ended, no more calls can be done to it',
    );
    await expect(made.end()).rejects.toThrow('Farm is ended, no more calls can be done to it');
    rmSync(folder, { recursive: true });
  });

  test('setup that fails', async () => {
    const made = farm({ setupArgs: [name, '', 'fail'], numWorkers: 1 });
    const error = await rejection(made.add(1, 2));
    expect([error.message, error.type]).toEqual(['Error when calling setup: no setup', 'TypeError']);
    const started = await rejection(farm({ setupArgs: [name, '', 'fail'], numWorkers: 1 }).start());
    expect(started.message).toBe('Error when calling setup: no setup');
  });

  test('errors of a method', async () => {
    const made = farm();
    const error = await rejection(made.fail());
    expect(error).toBeInstanceOf(RangeError);
    expect([error.message, error.type, error.extra]).toEqual(['failed', 'RangeError', { a: 1 }]);
    expect(error.stack).toMatch(/jest-methods\.js/);
    const own = await rejection(made.rejectWithOwn());
    expect(own).toBeInstanceOf(Error);
    expect([own.message, own.type]).toEqual(['own', 'Own']);
    expect((await rejection(made.throwNothing())).message).toBe('"null" or "undefined" thrown');
    expect(await rejection(made.throwText())).toBe('text');
    expect(await made.add(1, 1)).toBe(2);
  });

  test('a worker that ends', async () => {
    const made = farm({ maxRetries: 0, numWorkers: 1 });
    const exits = await rejection(made.exit(3));
    expect(exits.message).toBe('Jest worker encountered 1 child process exceptions, exceeding retry limit');
    expect(exits.type).toBe('WorkerError');
    expect((await rejection(farm({ numWorkers: 1 }).exit(0))).message).toMatch(
      /^A jest worker process \(pid=\d+\) crashed for an unknown reason: exitCode=0$/,
    );
    if (!hasSignals) return;
    expect((await rejection(farm({ numWorkers: 1 }).kill('SIGKILL'))).message).toMatch(
      /^A jest worker process \(pid=\d+\) was terminated by another process: signal=SIGKILL, exitCode=null\. Operating/,
    );
  });

  test('maxRetries', async () => {
    const error = await rejection(farm({ maxRetries: 2, numWorkers: 1 }).exit(1));
    expect(error.message).toMatch(/encountered 3 child process exceptions/);
  });

  test('computeWorkerKey', async () => {
    const made = farm({ computeWorkerKey: (method, key) => (method === 'later' ? null : String(key)) });
    const pids = await Promise.all([made.busy(1), made.busy(2), made.busy(1), made.busy(2), made.busy(1)]);
    expect(new Set([pids[0], pids[2], pids[4]]).size).toBe(1);
    expect(new Set([pids[1], pids[3]]).size).toBe(1);
    expect(await made.later('x')).toBe('x');
  });

  test.each([
    ['PriorityQueue', () => new PriorityQueue((_method, x) => -(x as number)), [1, 5, 4, 3, 2]],
    ['FifoQueue', () => new FifoQueue(), [1, 2, 3, 4, 5]],
  ])('taskQueue: %s', async (_name, queue, expected) => {
    const made = farm({ taskQueue: queue(), numWorkers: 1 });
    const order: unknown[] = [];
    await Promise.all([1, 2, 3, 4, 5].map(async (x) => order.push(await made.later(x))));
    expect(order).toEqual(expected);
  });

  test('custom messages', async () => {
    const made = farm({ setupArgs: [name] });
    const heard: unknown[] = [];
    const call = made.say('a', { b: new Map([[1, 2]]) }, ['c']) as adapter.PromiseWithCustomMessage<number>;
    call.UNSTABLE_onCustomMessage?.((message) => heard.push(message));
    const remove = call.UNSTABLE_onCustomMessage?.(() => heard.push('removed'));
    remove?.();
    expect(await call).toBe(3);
    expect(heard).toEqual(['a', { b: new Map([[1, 2]]) }, ['c']]);
  });

  test('messageParent outside of a worker', () => {
    const { messageParent } = packages[name] as typeof adapter;
    expect(() => messageParent('x', {} as NodeJS.Process)).toThrow(
      new TypeError('"messageParent" can only be used inside a worker'),
    );
  });

  test('what workers print', async () => {
    const made = farm();
    const printed = { stdout: '', stderr: '' };
    made.getStdout().on('data', (chunk) => (printed.stdout += chunk));
    made.getStderr().on('data', (chunk) => (printed.stderr += chunk));
    await made.print('hello');
    while (printed.stdout === '' || printed.stderr === '') await new Promise((done) => setTimeout(done, 5));
    expect(printed).toEqual({ stdout: 'hello\n', stderr: 'hello!\n' });
  });

  test('idleMemoryLimit of 0: a worker for each call', async () => {
    const made = farm({ idleMemoryLimit: 0, numWorkers: 1 });
    const first = await made.pid();
    let next = await made.pid().catch(() => first); // jest-worker may lose a call to a worker that is about to go
    while (next === first) next = await made.pid().catch(() => first);
    expect(next).not.toBe(first);
  });

  test('a call that does not end is ended with the farm', async () => {
    const made = farm({ workerGracefulExitTimeout: 100, numWorkers: 1 });
    await made.start();
    const lost = rejection(made.never());
    expect(await made.end()).toEqual({ forceExited: true });
    // jest-worker leaves the call pending for ever.
    if (name !== 'jest-worker') expect((await lost).message).toMatch(/terminated/);
  });
});

describe('better than the original', () => {
  test('a Buffer stays a Buffer; no call is run twice unasked', async () => {
    const made = new adapter.Worker(file, { numWorkers: 1 }) as Farm;
    expect(await made.fromBuffer(Buffer.from('abc'))).toEqual([true, 'abc']);
    expect((await rejection(made.exit(1))).message).toMatch(/encountered 1 child process exceptions/);
    expect(await made.end()).toEqual({ forceExited: false });
  });

  test('a module that can only be imported', async () => {
    const made = new adapter.Worker(require.resolve('../fixtures/compat/jest-methods.mjs'), {
      exposedMethods: ['add'],
    }) as Farm;
    expect(await made.add(2, 3)).toBe(5);
    await made.end();
  });

  test('what cannot be had says so, and leaves no worker behind', () => {
    const wrong = () => new adapter.Worker(file, { exposedMethods: ['end'] });
    expect(wrong).toThrow('Cannot define a method called end');
    expect(() => new adapter.Worker(file, { forkOptions: { uid: 1 } })).toThrow(/forkOptions\.uid/);
    expect(() => new adapter.Worker(file, { WorkerPool: class {} as never })).toThrow(/WorkerPool/);
  });
});
