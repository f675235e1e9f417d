import { wait, waitSync, type Connection, type Queue } from 'forkful';
import * as queues from '../fixtures/queues.js';
import * as tasks from '../fixtures/tasks.js';
import { describeEach, errorOf, thrown } from './methods';

describeEach('wait', ({ context }) => {
  const { Process: P } = context;
  const open: { close(): void }[] = [];

  function pipe(): [Connection<unknown>, Connection<unknown>] {
    const ends = context.Pipe();
    open.push(...ends);
    return ends;
  }

  function queue<T>(): Queue<T> {
    const made = new context.Queue<T>();
    open.push(made);
    return made;
  }

  afterEach(() => {
    for (const made of open.splice(0)) made.close();
  });

  test('those that are ready, in the order given; none after the timeout', async () => {
    const [[a, b], [c, d], q] = [pipe(), pipe(), queue<number>()];
    expect(await wait([b, d, q], { timeout: 0 })).toEqual([]);
    expect(await wait([b, d, q], { timeout: 5 })).toEqual([]);
    expect(waitSync([b, d, q], { timeout: 0 })).toEqual([]);
    expect(waitSync([b, d, q], { timeout: 5 })).toEqual([]);
    expect(await wait([])).toEqual([]);
    expect(waitSync([])).toEqual([]);
    q.putNowait(1);
    expect(await wait([b, d, q])).toEqual([q]);
    c.sendSync(1);
    expect((await wait([q, b, d])).map((ready) => [q, b, d].indexOf(ready as never))).toEqual([0, 2]);
    expect(waitSync([b, d])).toEqual([d]);
    expect([q.qsize(), await d.recv()]).toEqual([1, 1]); // nothing was taken
    const waiting = wait([b, d]);
    a.sendSync(2);
    expect(await waiting).toEqual([b]);
    c.close();
    expect(await wait([d])).toEqual([d]); // end of file
  });

  test('processes that end, and a child that sends meanwhile', async () => {
    const [[a, b], go] = [pipe(), queue<string>()];
    const sender = new P({ target: queues.sendLater, args: [b, go, 'hello'] });
    const ender = new P({ target: queues.waitFor, args: [go] });
    await Promise.all([sender.start(), ender.start()]);
    b.close();
    const all = [a, sender.sentinel, ender.sentinel] as const;
    expect(sender.sentinel).toBe(sender.sentinel);
    expect(await wait(all, { timeout: 5 })).toEqual([]);
    expect(waitSync(all, { timeout: 5 })).toEqual([]);
    go.putManySync(['go', 'go']);
    const ready = new Set<unknown>();
    while (ready.size < 2) for (const one of waitSync(all.filter((each) => !ready.has(each)))) ready.add(one);
    expect(ready).toEqual(new Set([a, ender.sentinel]));
    expect(await a.recv()).toBe('hello');
    const end = wait([sender.sentinel]);
    sender.kill();
    expect(await end).toEqual([sender.sentinel]);
    expect(sender.isAlive()).toBe(false);
    expect(await wait([a])).toEqual([a]);
    await ender.join();
    expect(waitSync([ender.sentinel, sender.sentinel], { timeout: 0 })).toHaveLength(2);
  });

  test('the end of a process that nobody has looked at', async () => {
    const child = new P({ target: tasks.add, args: [1, 2] });
    await child.start();
    expect(waitSync([child.sentinel], { timeout: 20_000 })).toEqual([child.sentinel]);
    expect(child.exitCode).toBe(0);
  });

  test('signals, closed objects, wrong arguments', async () => {
    const [[, b], q] = [pipe(), queue<number>()];
    const reason = new Error('enough');
    expect(await errorOf(wait([b], { signal: AbortSignal.abort(reason) }))).toBe(reason);
    const controller = new AbortController();
    const aborted = errorOf(wait([b, q], { signal: controller.signal }));
    controller.abort(reason);
    expect(await aborted).toBe(reason);
    const closed = errorOf(wait([b, q]));
    q.close();
    expect((await closed).code).toBe('ERR_FORKFUL_CLOSED');
    expect((await errorOf(wait([q]))).code).toBe('ERR_FORKFUL_CLOSED');
    expect(thrown(() => waitSync([q])).code).toBe('ERR_FORKFUL_CLOSED');
    expect((await errorOf(wait(b as never))).message).toMatch(/"objects" must be an array/);
    expect((await errorOf(wait([b, 5 as never]))).message).toMatch(/"objects\[1\]" must be a connection.*5/);
    const child = new P({ target: tasks.add, args: [1, 2] });
    expect(thrown(() => child.sentinel).code).toBe('ERR_FORKFUL_INVALID_STATE');
  });

  test('two waits for one message, and a get that is faster: the slower one waits on', async () => {
    const q = queue<number>();
    const get = q.get();
    const waiting = wait([q]);
    q.putNowait(1);
    expect(await get).toBe(1);
    let done = false;
    void waiting.then(() => {
      done = true;
    });
    expect(await wait([q], { timeout: 20 })).toEqual([]);
    expect(done).toBe(false);
    q.putNowait(2);
    expect(await waiting).toEqual([q]);
  });
});
