import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { Queue } from 'forkful';
import * as queues from '../fixtures/queues.js';
import { describeEach, errorOf, thrown } from './methods';

describeEach('Queue.flush', ({ context }) => {
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

  test('resolves when what waited for room is in the queue', async () => {
    const q = queue<number>(2);
    await q.flush();
    q.flushSync();
    const puts = [1, 2, 3, 4, 5].map((value) => q.put(value));
    let flushed = false;
    const flush = q.flush().then(() => {
      flushed = true;
    });
    expect((await errorOf(q.flush({ timeout: 0 }))).code).toBe('ERR_FORKFUL_TIMEOUT');
    expect((await errorOf(q.flush({ timeout: 5 }))).code).toBe('ERR_FORKFUL_TIMEOUT');
    expect(thrown(() => q.flushSync({ timeout: 5 })).code).toBe('ERR_FORKFUL_TIMEOUT');
    const reason = new Error('enough');
    expect(await errorOf(q.flush({ signal: AbortSignal.abort(reason) }))).toBe(reason);
    const controller = new AbortController();
    const aborted = errorOf(q.flush({ signal: controller.signal }));
    controller.abort(reason);
    expect(await aborted).toBe(reason);
    expect(flushed).toBe(false);
    for (let i = 1; i <= 3; i++) expect(await q.get()).toBe(i);
    await flush;
    await Promise.all(puts);
    expect(q.qsize()).toBe(2);
  });

  test('puts that fail do not keep it waiting', async () => {
    const q = queue<number>(1);
    q.putNowait(1);
    const failing = errorOf(q.put(2, { timeout: 5 }));
    await q.flush();
    expect((await failing).code).toBe('ERR_FORKFUL_FULL');
  });

  test('a process that ends by itself waits for its puts, in their order; flushSync too', async () => {
    const q = queue<number>(3);
    const child = new P({ target: queues.putAndLeave, args: [q, 20] });
    await child.start();
    for (let i = 0; i < 20; i++) expect(await q.get()).toBe(i);
    expect(await child.join()).toBe(true);
    expect(child.exitCode).toBe(0);
  });

  test('process.exit() flushes within flushTimeout', async () => {
    const q = queue<number>({ maxsize: 3, flushTimeout: 20_000 });
    const child = new P({ target: queues.putAndLeave, args: [q, 20, 'exit'] });
    await child.start();
    for (let i = 0; i < 20; i++) expect(await q.get()).toBe(i);
    await child.join();
    expect(child.exitCode).toBe(3);
  });

  test('cancelFlush() gives up what waits', async () => {
    const q = queue<number>(3);
    const child = new P({ target: queues.putAndLeave, args: [q, 20, 'cancelFlush'] });
    await child.start();
    expect(await child.join({ timeout: 20_000 })).toBe(true);
    expect(child.exitCode).toBe(0);
    expect(q.qsize()).toBe(3);
  });

  test('wrong options', () => {
    expect(thrown(() => new Queue({ flushTimeout: 'long' } as never)).message).toMatch(
      /"flushTimeout".*"long"/,
    );
  });
});

describe('a program that leaves with puts that wait', () => {
  const run = (how: string) => {
    const { status, stdout, stderr } = spawnSync(
      process.execPath,
      [join(__dirname, '..', 'fixtures', 'exits-with-puts.cjs'), how],
      { encoding: 'utf8', timeout: 20_000 },
    );
    return { status, stdout, stderr };
  };

  // Its child makes the room, and is ended only behind that.
  test.each([
    ['exit', 4],
    ['uncaught', 1],
  ])('by %s: they are flushed first', (how, status) => {
    const done = run(how);
    expect(done.status).toBe(status);
    expect(done.stderr).not.toContain('ForkfulWarning');
  });

  test('by its natural end: it waits', () => {
    const done = run('natural');
    expect(done).toMatchObject({ status: 0, stdout: 'the child got 10, in all 45\n', stderr: '' });
  });

  test('by process.exit(), and nobody makes room: a warning says how many are lost', () => {
    const done = run('nobody');
    expect(done.status).toBe(5);
    expect(done.stderr).toMatch(/ForkfulWarning: .*lost 8 messages.*Queue \(maxsize 2.*500 ms/);
  });

  test('after cancelFlush(): it does not wait', () => {
    expect(run('cancel')).toMatchObject({ status: 0, stderr: '' });
  });
});
