/* eslint-disable @typescript-eslint/no-require-imports -- a function that is a module's whole export */
import original = require('worker-farm');
import adapter = require('forkful/compat/worker-farm');

type Farm = typeof adapter;
type Workers = adapter.Workers;
const packages: Record<string, Farm> = { 'worker-farm': original as unknown as Farm, adapter };
const path = require.resolve('../fixtures/compat/farm-methods.js');

type FarmError = Error & { type?: string; extra?: number };
type Outcome = [error: FarmError | null, ...results: unknown[]];

/** What a method calls back with. */
function called(method: unknown, ...args: unknown[]): Promise<Outcome> {
  return new Promise((resolve) => {
    (method as (...all: unknown[]) => void)(...args, (...results: unknown[]) => resolve(results as Outcome));
  });
}

describe.each(Object.entries(packages))('%s', (name, workerFarm) => {
  const farms: Workers[] = [];
  function farm(options: adapter.FarmOptions, ...methods: string[]): Workers {
    const made = methods.length === 0 ? workerFarm(options, path) : workerFarm(options, path, methods);
    farms.push(made);
    return made;
  }
  const ended = (made: Workers) => new Promise((resolve) => workerFarm.end(made, resolve));
  afterEach(async () => {
    await Promise.all(farms.splice(0).map(ended));
  });

  test('a module that is a function, without options', async () => {
    const made = workerFarm(path);
    const [error, sum, pid] = await called(made, 1, 2);
    expect([error, sum]).toEqual([null, 3]);
    expect(pid).not.toBe(process.pid);
    await ended(made);
  });

  test('methods; several results', async () => {
    const made = workerFarm(path, ['echo', 'later']);
    farms.push(made);
    expect(Object.keys(made)).toEqual(['echo', 'later']);
    expect(await called(made.echo, 'a', { b: [1] }, null)).toEqual([null, 'a', { b: [1] }, null]);
    const all = await Promise.all([1, 2, 3, 4, 5].map((x) => called(made.later, x)));
    expect(all.map(([, x]) => x)).toEqual([1, 2, 3, 4, 5]);
  });

  test('errors', async () => {
    const made = farm({}, 'fail', 'failOwn', 'echo');
    const [error, more] = await called(made.fail);
    expect(error).toBeInstanceOf(RangeError);
    expect([error?.message, error?.type, error?.extra, more]).toEqual(['failed', 'RangeError', 1, 'more']);
    expect(error?.stack).toMatch(/farm-methods\.js/);
    const [own] = await called(made.failOwn);
    expect(own).toBeInstanceOf(Error);
    expect([own?.message, own?.type]).toEqual(['own', 'Own']);
  });

  test('maxCallsPerWorker', async () => {
    const made = farm({ maxCallsPerWorker: 1, maxConcurrentWorkers: 1 }, 'pid');
    const [, first] = await called(made.pid);
    const [, second] = await called(made.pid);
    expect(second).not.toBe(first);
  });

  test('maxConcurrentCalls', async () => {
    const made = farm({ maxConcurrentCalls: 2, maxConcurrentWorkers: 1 }, 'later');
    const outcomes = await Promise.all([1, 2, 3].map((x) => called(made.later, x)));
    expect(outcomes.slice(0, 2)).toEqual([
      [null, 1],
      [null, 2],
    ]);
    expect(outcomes[2]?.[0]?.type).toBe('MaxConcurrentCallsError');
    expect(outcomes[2]?.[0]?.message).toMatch(/^Too many concurrent calls \(active: \d, queued: \d\)$/);
  });

  test('maxCallTime', async () => {
    const made = farm({ maxCallTime: 2000, maxRetries: 0, maxConcurrentWorkers: 1 }, 'never', 'echo');
    const [error] = await called(made.never);
    expect([error?.type, error?.name, error?.message]).toEqual([
      'TimeoutError',
      'TimeoutError',
      'worker call timed out!',
    ]);
    expect(await called(made.echo, 1)).toEqual([null, 1]);
  });

  test('a worker that ends; maxRetries', async () => {
    const made = farm({ maxRetries: 1, maxConcurrentWorkers: 1 }, 'exit', 'echo');
    const [error] = await called(made.exit);
    expect([error?.type, error?.message]).toEqual(['ProcessTerminatedError', 'cancel after 1 retries!']);
    expect(await called(made.echo, 2)).toEqual([null, 2]);
  });

  test('workerOptions, autoStart, onChild', async () => {
    const pids: number[] = [];
    const made = farm(
      {
        workerOptions: { env: { ...process.env, FARM: 'yes' } },
        maxConcurrentWorkers: 1,
        autoStart: true,
        onChild: ({ pid }) => pids.push(pid),
      },
      'env',
      'pid',
    );
    expect(await called(made.env, 'FARM')).toEqual([null, 'yes']);
    expect([(await called(made.pid))[1]]).toEqual(pids);
  });

  test('end waits for the calls; that of a stranger', async () => {
    const made = farm({ maxConcurrentWorkers: 1 }, 'later');
    const call = called(made.later, 'done');
    await ended(made);
    farms.pop(); // worker-farm calls back but once
    expect(await call).toEqual([null, 'done']);
    expect(await ended({} as Workers)).toEqual(new Error('Worker farm not found!'));
  });
});

describe('better than the original', () => {
  test('what would kill the worker, or never call back, is an error', async () => {
    const made = adapter(path, ['throws', 'absent', 'exit', 'echo']);
    const [thrown] = await called(made.throws);
    expect([thrown?.name, thrown?.message]).toEqual(['TypeError', 'thrown']);
    expect((await called(made.absent))[0]?.message).toBe('NO SUCH METHOD: absent');
    expect((await called(made.exit))[0]?.message).toBe('cancel after 0 retries!');
    const [, buffer] = await called(made.echo, Buffer.from('abc'));
    expect(Buffer.isBuffer(buffer)).toBe(true);
    await new Promise((resolve) => adapter.end(made, resolve));
    expect((await called(made.echo, 1))[0]?.message).toMatch(/not running/);
  });
});
