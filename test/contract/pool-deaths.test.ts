import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import * as more from '../fixtures/pool-tasks.js';
import { abort, double, exit, identity, killSelf, overflow, pid, throwInTimer } from '../fixtures/tasks.js';
import { hasSignals } from '../where';
import { argumentsFor, describeEach, errorOf, exists, until } from './methods';
import { notesOfEachTest, poolsOf, range } from './pools';

type AnyTask = (...args: never[]) => unknown;

/** Whatever happens to a task: it settles, nothing else is lost, and the pool works on. */
describeEach('Pool: every task settles', ({ backend, method, context }) => {
  const pool = poolsOf(context);
  const notes = notesOfEachTest();

  const deaths: [string, AnyTask, unknown[]][] = [
    ['exit(0)', exit, [0]],
    ['exit(3)', exit, [3]],
    ['SIGKILL', killSelf, ['SIGKILL']],
    ['abort()', abort, []],
    ['a throw in a timer', throwInTimer, []],
    ['a rejection that nobody handles', more.rejectUnhandled, []],
    ...(hasSignals ? [['a segmentation fault', more.segfault, []] as [string, AnyTask, unknown[]]] : []),
  ];

  test.each(deaths)('a worker that ends by %s', async (_, fn, args) => {
    const p = pool({ processes: 2, stdio: 'ignore' });
    const before = range(20).map((i) => p.apply(double, [i]));
    const doomed = p.applyAsync(fn as never, args as never);
    const after = range(20).map((i) => p.apply(double, [i]));
    const error = await errorOf(doomed);
    expect(error.code).toBe('ERR_FORKFUL_WORKER_LOST');
    expect(error.message).toMatch(
      /PoolWorker-\d+ \(pid \d+\) ended by .+ while it ran \w+ \(task \d+, item 0\)/,
    );
    expect(await Promise.all([...before, ...after])).toEqual([...range(20), ...range(20)].map((i) => 2 * i));
    expect(await p.apply(double, [4])).toBe(8);
  });

  // A copy has the limits of what it is a copy of.
  (method === 'fork' ? test.skip : test)('a worker whose heap is full', async () => {
    const p = pool({ processes: 1, stdio: 'ignore', execArgv: ['--max-old-space-size=40'] });
    const doomed = p.apply(more.exhaustMemory);
    const after = p.apply(double, [1]);
    expect((await errorOf(doomed)).code).toBe('ERR_FORKFUL_WORKER_LOST');
    expect(await after).toBe(2);
  });

  test('the loss is told within 100 ms of the death', async () => {
    const p = pool(2);
    await p.ready();
    const delays: number[] = [];
    for (let i = 0; i < 3; i++) {
      const task = p.apply(more.noteThenHang, [notes.file]);
      await notes.now.hasLines(i + 1);
      const worker = Number(notes.now.lines[i]);
      const lost = errorOf(task).then(() => performance.now());
      process.kill(worker, 'SIGKILL');
      await until(() => !exists(worker));
      const dead = performance.now();
      delays.push((await lost) - dead);
    }
    // The quickest one: on a busy machine this process itself may be kept waiting.
    expect(Math.min(...delays)).toBeLessThan(100);
  });

  const failures: [string, AnyTask, Record<string, unknown>][] = [
    ['a stack overflow', overflow, { name: 'RangeError' }],
    ['a stack overflow of async functions', more.overflowAsync, { name: 'RangeError' }],
    ['an error with a getter that throws', more.throwBadError, {}],
    ['a result with a getter that throws', more.returnBadGetter, {}],
    ['a result whose then is a getter that throws', more.returnBadThen, { message: 'a getter of then' }],
    ['an error with a function in it', more.throwFunction, {}],
    ['an error behind a proxy', more.throwProxy, {}],
  ];

  test.each(failures)('%s is an ordinary error, and its worker lives on', async (_, fn, fields) => {
    const p = pool({ processes: 1, stdio: 'ignore' });
    const worker = await p.apply(pid);
    const error = await errorOf(p.apply(fn as never));
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject(fields);
    expect(error.code).not.toBe('ERR_FORKFUL_WORKER_LOST');
    expect(await p.apply(pid)).toBe(worker);
  });

  test('thrown values that are no errors', async () => {
    const p = pool(1);
    await expect(p.apply(more.throwPrimitive)).rejects.toBe(5);
    await expect(p.apply(more.throwUndefined)).rejects.toBe(undefined);
  });

  test('arguments that cannot be sent', async () => {
    const p = pool(1);
    const bad = {
      get a() {
        throw new TypeError('a getter of the argument');
      },
    };
    expect(await errorOf(p.apply(identity, [bad]))).toBeInstanceOf(Error);
    expect((await errorOf(p.apply(identity, [Symbol('s')]))).code).toBe('ERR_FORKFUL_SERIALIZATION');
    expect((await errorOf(p.map(identity, [1, () => 1]))).code).toBe('ERR_FORKFUL_SERIALIZATION');
    expect((await errorOf(p.imap(identity, [() => 1]).next())).code).toBe('ERR_FORKFUL_SERIALIZATION');
    expect((await errorOf(p.stream(more.count, [Symbol('s') as never]).next())).code).toBe(
      'ERR_FORKFUL_SERIALIZATION',
    );
    expect(await p.apply(double, [1])).toBe(2);
  });

  test('a worker that is killed while it writes its result', async () => {
    const p = pool(1);
    await p.ready();
    for (let i = 0; i < 8; i++) {
      const task = p.apply(more.noteThenReturnLarge, [notes.file, 64 * 2 ** 20]);
      await notes.now.hasLines(i + 1);
      // At another moment each time.
      const end = performance.now() + i * 5;
      while (performance.now() < end) await new Promise(setImmediate);
      process.kill(Number(notes.now.lines[i]), 'SIGKILL');
      const outcome = await task.then(
        (buffer) => buffer.length,
        (error: { code: string }) => error.code,
      );
      expect([64 * 2 ** 20, 'ERR_FORKFUL_WORKER_LOST']).toContain(outcome);
    }
    expect(await p.apply(double, [1])).toBe(2);
  });

  test('a worker that ends between its tasks', async () => {
    const p = pool(1);
    const first = await p.apply(more.exitLater);
    await until(() => !exists(first));
    expect(await p.apply(pid)).not.toBe(first);
  });

  test('workers that are killed before their first message', async () => {
    const p = pool(2);
    const results = range(50).map((i) => p.apply(double, [i]));
    const first = await p.apply(pid);
    process.kill(first, 'SIGKILL');
    const outcomes = await Promise.allSettled(results);
    expect(outcomes.filter(({ status }) => status === 'rejected').length).toBeLessThanOrEqual(1);
    const q = pool({ processes: 1, initializer: more.noteThenHang, initargs: [notes.file] });
    const pending = q.applyAsync(double, [1]);
    for (let i = 1; i <= 3; i++) {
      await notes.now.hasLines(i);
      process.kill(Number(notes.now.lines[i - 1]), 'SIGKILL');
    }
    const error = await errorOf(pending);
    expect(error).toMatchObject({ code: 'ERR_FORKFUL_WORKER_LOST' });
    expect(error.message).toContain('before they could take a task');
  });

  if (process.platform !== 'win32') {
    test('no file descriptors are left when workers must be replaced', () => {
      const program = join(__dirname, '..', 'fixtures', 'pool-descriptors.cjs');
      const out = execFileSync(
        'sh',
        [
          '-c',
          'ulimit -n 200; exec "$0" "$@"',
          process.execPath,
          ...argumentsFor(method),
          program,
          notes.file,
          method,
        ],
        { encoding: 'utf8', env: { ...process.env, FORKFUL_BACKEND: backend }, timeout: 25_000 },
      );
      const [code, outcomes, after] = out.split('\n');
      expect(code).toBe('EMFILE');
      expect(outcomes).toMatch(/^ERR_FORKFUL_WORKER_LOST ERR_FORKFUL_WORKER_LOST( ERR_FORKFUL_\w+){3}$/);
      expect(after).toBe('[ 2, 4, 6 ]');
    });
  }

  if (backend === 'native') {
    test('a forkserver that is killed while it starts workers', async () => {
      const p = pool(2);
      await p.ready();
      const { ppid } = await p.apply(more.parentOf);
      if (ppid !== process.pid) process.kill(ppid, 'SIGKILL');
      const results = range(100).map((i) => p.apply(double, [i]));
      const lost = await Promise.allSettled(results);
      // The forkserver's children end with it: at most what the two ran is lost.
      expect(lost.filter(({ status }) => status === 'rejected').length).toBeLessThanOrEqual(2);
      expect(await p.map(double, range(10))).toEqual(range(10).map((x) => 2 * x));
    });
  }
});
