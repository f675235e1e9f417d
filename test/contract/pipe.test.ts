import { Pipe, type Connection } from 'forkful';
import * as tasks from '../fixtures/tasks.js';
import { describeEach, errorOf, thrown } from './methods';

describeEach('Pipe', ({ context, method }) => {
  const { Process: P } = context;
  const open: Connection<never>[] = [];

  function pipe(options?: { duplex?: boolean }): [Connection<unknown>, Connection<unknown>] {
    const ends = context.Pipe(options);
    open.push(...(ends as unknown as Connection<never>[]));
    return ends;
  }

  afterEach(() => {
    for (const end of open.splice(0)) end.close();
  });

  test('both ends send and receive, in one process', async () => {
    const [a, b] = pipe();
    await a.send({ x: 1 });
    b.sendSync('y');
    expect(await b.recv()).toEqual({ x: 1 });
    expect(a.recvSync()).toBe('y');
    const waiting = b.recv();
    a.sendSync(Buffer.from('z'));
    expect(await waiting).toEqual(Buffer.from('z'));
    await a.send('');
    await a.send(Buffer.alloc(0));
    expect(await b.recv()).toBe('');
    expect(await b.recv()).toEqual(Buffer.alloc(0));
  });

  test('one way: the first end receives, the second sends', async () => {
    const [reader, writer] = pipe({ duplex: false });
    expect([reader.readable, reader.writable, writer.readable, writer.writable]).toEqual([
      true,
      false,
      false,
      true,
    ]);
    await writer.send(1);
    expect(await reader.recv()).toBe(1);
    expect((await errorOf(reader.send(1))).code).toBe('ERR_FORKFUL_INVALID_STATE');
    expect((await errorOf(writer.recv())).code).toBe('ERR_FORKFUL_INVALID_STATE');
  });

  test('poll, timeouts and aborts', async () => {
    const [a, b] = pipe();
    expect(await b.poll({ timeout: 0 })).toBe(false);
    expect(b.pollSync({ timeout: 5 })).toBe(false);
    expect((await errorOf(b.recv({ timeout: 5 }))).code).toBe('ERR_FORKFUL_TIMEOUT');
    expect(thrown(() => b.recvSync({ timeout: 5 })).code).toBe('ERR_FORKFUL_TIMEOUT');
    expect((await errorOf(b.recv({ timeout: 0 }))).code).toBe('ERR_FORKFUL_TIMEOUT');
    const poll = b.poll();
    a.sendSync(1);
    expect(await poll).toBe(true);
    expect(b.pollSync()).toBe(true);
    expect(await b.recv()).toBe(1);
    const reason = new Error('stop');
    expect(await errorOf(b.recv({ signal: AbortSignal.abort(reason) }))).toBe(reason);
  });

  test('the end of the other end: what is in flight is still received, then end of file; broken pipe for senders', async () => {
    const [a, b] = pipe();
    await a.send('last words');
    a.close();
    expect(a.closed).toBe(true);
    expect(await b.poll({ timeout: 0 })).toBe(true);
    expect(await b.recv()).toBe('last words');
    expect((await errorOf(b.recv())).code).toBe('ERR_FORKFUL_END_OF_FILE');
    expect(thrown(() => b.recvSync()).code).toBe('ERR_FORKFUL_END_OF_FILE');
    expect(b.pollSync({ timeout: 0 })).toBe(true);
    expect((await errorOf(b.send(1))).code).toBe('ERR_FORKFUL_BROKEN_PIPE');
    expect(thrown(() => b.sendSync(1)).code).toBe('ERR_FORKFUL_BROKEN_PIPE');
    expect((await errorOf(a.send(1))).code).toBe('ERR_FORKFUL_CLOSED');
    const [c, d] = pipe();
    const waiting = errorOf(d.recv());
    c.close();
    expect((await waiting).code).toBe('ERR_FORKFUL_END_OF_FILE');
  });

  test('with a child, async and Sync', async () => {
    const [a, b] = pipe();
    // A copy of this process has both ends, as in Python: as long as it has one, the other does not see it closed.
    const answer = (end: typeof b) => {
      a.close();
      return tasks.answer(end);
    };
    const child = new P({ target: method === 'fork' ? answer : tasks.answer, args: [b] });
    await child.start();
    b.close();
    for (let i = 0; i < 200; i++) {
      await a.send(i);
      expect(await a.recv()).toEqual({ answer: i });
    }
    for (let i = 0; i < 200; i++) {
      a.sendSync(i);
      expect(a.recvSync()).toEqual({ answer: i });
    }
    a.close();
    expect(await child.result()).toBe(400);
    await child.join();
    const [c, d] = pipe();
    const blocking = new P({ target: tasks.answerSync, args: [d, 300] });
    await blocking.start();
    d.close();
    for (let i = 0; i < 300; i++) {
      c.sendSync(i);
      expect(c.recvSync()).toBe(i);
    }
    await blocking.join();
  });

  test('a child that exits or is killed', async () => {
    const [a, b] = pipe();
    const child = new P({ target: tasks.sendAndExit, args: [b, 'bye', 3] });
    await child.start();
    b.close();
    await child.join();
    expect(child.exitCode).toBe(3);
    expect(await a.recv()).toBe('bye');
    expect((await errorOf(a.recv())).code).toBe('ERR_FORKFUL_END_OF_FILE');
    const [c, d] = pipe();
    const killed = new P({ target: tasks.answer, args: [d] });
    await killed.start();
    d.close();
    await c.send(1);
    await c.recv();
    const waiting = errorOf(c.recv());
    killed.kill();
    expect((await waiting).code).toBe('ERR_FORKFUL_END_OF_FILE');
    expect(thrown(() => c.recvSync()).code).toBe('ERR_FORKFUL_END_OF_FILE');
    expect((await errorOf(c.send(1))).code).toBe('ERR_FORKFUL_BROKEN_PIPE');
    await killed.join();
  });

  test('wrong options', () => {
    expect(thrown(() => Pipe({ duplex: 1 } as never)).message).toMatch(/"duplex".*boolean.*1/);
    expect(thrown(() => Pipe({ simplex: true } as never)).message).toMatch(/"simplex"/);
  });
});
