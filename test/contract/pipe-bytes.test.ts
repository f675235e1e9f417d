import { type Connection } from 'forkful';
import * as queues from '../fixtures/queues.js';
import { describeEach, errorOf, thrown } from './methods';

describeEach('Connection: bytes', ({ context }) => {
  const open: Connection<never>[] = [];

  function pipe(options?: { duplex?: boolean }): [Connection<unknown>, Connection<unknown>] {
    const ends = context.Pipe(options);
    open.push(...(ends as unknown as Connection<never>[]));
    return ends;
  }

  afterEach(() => {
    for (const end of open.splice(0)) end.close();
  });

  test('message boundaries are kept, of empty messages too; whole, parts, any kind of bytes', async () => {
    const [a, b] = pipe();
    const bytes = Buffer.from('0123456789');
    await a.sendBytes(bytes);
    await a.sendBytes(Buffer.alloc(0));
    await a.sendBytes(bytes, 7);
    a.sendBytesSync(bytes, 2, 3);
    a.sendBytesSync(bytes, 10);
    await a.sendBytes(bytes, 3, 0);
    await a.sendBytes(new Uint16Array([1, 2]));
    await a.sendBytes(new DataView(new ArrayBuffer(4), 1, 2));
    await a.sendBytes(new ArrayBuffer(3));
    const texts = ['0123456789', '', '789', '234', '', ''];
    for (const text of texts) {
      const got = await b.recvBytes();
      expect(Buffer.isBuffer(got)).toBe(true);
      expect(got.toString()).toBe(text);
    }
    expect(b.recvBytesSync()).toEqual(Buffer.from(new Uint16Array([1, 2]).buffer));
    expect(b.recvBytesSync()).toEqual(Buffer.alloc(2));
    expect(b.recvBytesSync()).toEqual(Buffer.alloc(3));
  });

  test('bytes are those at the call', async () => {
    const [a, b] = pipe();
    const bytes = Buffer.from('before');
    const sent = a.sendBytes(bytes);
    bytes.write('after!');
    await sent;
    expect((await b.recvBytes()).toString()).toBe('before');
  });

  test('wrong ranges', async () => {
    const [a, b] = pipe();
    const bytes = Buffer.alloc(10);
    for (const [offset, size] of [[-1], [11], [0.5], [0, -1], [0, 11], [5, 6]] as [number, number?][]) {
      expect(await errorOf(a.sendBytes(bytes, offset, size))).toMatchObject({
        code: 'ERR_FORKFUL_INVALID_ARGUMENT',
        message: expect.stringMatching(/sendBytes argument "(offset|size)"/),
      });
      expect(thrown(() => a.sendBytesSync(bytes, offset, size)).code).toBe('ERR_FORKFUL_INVALID_ARGUMENT');
    }
    expect((await errorOf(a.sendBytes('text' as never))).message).toMatch(/"data".*Buffer.*"text"/);
    expect((await errorOf(b.recvBytes({ maxLength: -1 }))).message).toMatch(/"maxLength"/);
    expect((await errorOf(b.recvBytes({ maxlength: 1 } as never))).message).toMatch(
      /did you mean "maxLength"/,
    );
    expect((await errorOf(b.recvBytesInto(bytes, 11))).message).toMatch(/recvBytesInto argument "offset"/);
    expect(thrown(() => b.recvBytesIntoSync(bytes, -1)).code).toBe('ERR_FORKFUL_INVALID_ARGUMENT');
    expect(await b.poll({ timeout: 0 })).toBe(false);
  });

  test('maxLength and recvBytesInto: what is too long comes with the error, and the connection goes on', async () => {
    const [a, b] = pipe();
    const send = async (...texts: string[]) => {
      for (const text of texts) await a.sendBytes(Buffer.from(text));
    };
    await send('12345', '123456', '123456', '12');
    expect((await b.recvBytes({ maxLength: 5 })).toString()).toBe('12345');
    const tooLong = { code: 'ERR_FORKFUL_BUFFER_TOO_SHORT', data: Buffer.from('123456') };
    expect(await errorOf(b.recvBytes({ maxLength: 5 }))).toMatchObject(tooLong);
    expect(thrown(() => b.recvBytesSync({ maxLength: 5 }))).toMatchObject(tooLong);
    expect((await b.recvBytes({ maxLength: 2 })).toString()).toBe('12');
    const into = Buffer.alloc(8, '.');
    await send('abc', '', '12345678', '123456', '123456');
    expect(await b.recvBytesInto(into, 2)).toBe(3);
    expect(into.toString()).toBe('..abc...');
    expect(await b.recvBytesInto(into, 8)).toBe(0);
    expect(b.recvBytesIntoSync(into)).toBe(8);
    expect(into.toString()).toBe('12345678');
    expect(await errorOf(b.recvBytesInto(into, 3))).toMatchObject(tooLong);
    expect(thrown(() => b.recvBytesIntoSync(into, 3))).toMatchObject(tooLong);
    expect(into.toString()).toBe('12345678');
    const numbers = new Uint32Array(2);
    await a.sendBytes(new Uint32Array([7]));
    expect(await b.recvBytesInto(numbers, 4)).toBe(4);
    expect([...numbers]).toEqual([0, 7]);
  });

  test('bytes and values on one connection', async () => {
    const [a, b] = pipe();
    await a.sendBytes(Buffer.from('as a Buffer'));
    expect(await b.recv()).toEqual(Buffer.from('as a Buffer'));
    await a.send(Buffer.from('as bytes'));
    expect((await b.recvBytes()).toString()).toBe('as bytes');
    await a.send({ not: 'bytes' });
    expect(await errorOf(b.recvBytes())).toMatchObject({ code: 'ERR_FORKFUL_SERIALIZATION' });
    await a.send(1);
    await a.send(2);
    expect(thrown(() => b.recvBytesIntoSync(Buffer.alloc(9))).code).toBe('ERR_FORKFUL_SERIALIZATION');
    expect(await b.recv()).toBe(2);
  });

  test('waits, ends and directions are those of send and recv', async () => {
    const [a, b] = pipe();
    expect((await errorOf(b.recvBytes({ timeout: 5 }))).code).toBe('ERR_FORKFUL_TIMEOUT');
    expect(thrown(() => b.recvBytesSync({ timeout: 5 })).code).toBe('ERR_FORKFUL_TIMEOUT');
    expect(thrown(() => b.recvBytesIntoSync(Buffer.alloc(1), 0, { timeout: 0 })).code).toBe(
      'ERR_FORKFUL_TIMEOUT',
    );
    const reason = new Error('enough');
    expect(await errorOf(b.recvBytes({ signal: AbortSignal.abort(reason) }))).toBe(reason);
    const waiting = b.recvBytes();
    await a.sendBytes(Buffer.from('late'));
    expect((await waiting).toString()).toBe('late');
    a.close();
    expect((await errorOf(b.recvBytes())).code).toBe('ERR_FORKFUL_END_OF_FILE');
    expect((await errorOf(b.sendBytes(Buffer.alloc(1)))).code).toBe('ERR_FORKFUL_BROKEN_PIPE');
    expect((await errorOf(a.sendBytes(Buffer.alloc(1)))).code).toBe('ERR_FORKFUL_CLOSED');
    const [reader, writer] = pipe({ duplex: false });
    expect((await errorOf(reader.sendBytes(Buffer.alloc(1)))).code).toBe('ERR_FORKFUL_INVALID_STATE');
    expect((await errorOf(writer.recvBytes())).code).toBe('ERR_FORKFUL_INVALID_STATE');
  });

  test('with a child, 16 MiB too', async () => {
    const [a, b] = pipe();
    const child = new context.Process({ target: queues.echoBytes, args: [b] });
    await child.start();
    b.close();
    for (const size of [0, 2, 1000, 70_000, 16 << 20]) {
      const bytes = Buffer.alloc(size, 'forkful ');
      await a.sendBytes(bytes);
      const into = Buffer.alloc(size);
      expect(await a.recvBytesInto(into)).toBe(size);
      expect(into.equals(bytes)).toBe(true);
    }
    await a.sendBytes(Buffer.alloc(1));
    await child.join();
    expect(child.exitCode).toBe(0);
  });
});
