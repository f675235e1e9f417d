import { readFileSync } from 'node:fs';
import * as forkful from 'forkful';
import { FutexWord, Mapping, Ring, type Advice } from 'forkful/shm';
import * as tasks from '../fixtures/shm.js';
import { describeEach, errorOf, thrown, until } from './methods';
import { tidily } from './tidily';
import { isSupported } from './unsupported';

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- arguments of the wrong type are the subject
type Anything = any;

const ADVICE: Advice[] = ['normal', 'random', 'sequential', 'willneed', 'hugepage', 'nohugepage', 'remove'];

describeEach('forkful/shm', ({ backend, context, method }) => {
  if (!isSupported('shared data', backend)) {
    test('is refused where memory cannot be shared, with the reason and what to do', () => {
      for (const make of [() => new Mapping({ size: 1 }), () => new Ring()]) {
        const error = thrown(make);
        expect(error.code).toBe('ERR_FORKFUL_UNSUPPORTED');
        expect(error.message).toMatch(/child_process backend; .*reason tells why\. .* a Queue/);
      }
    });
    return;
  }

  const { closing, running } = tidily();
  const start = (target: (...args: never[]) => unknown, ...args: unknown[]) =>
    running(new context.Process({ target: target as never, args }));

  const mapping = (size = 4096) => closing(new Mapping({ size }));
  const words = () => new Int32Array(mapping().buffer, 0, 16);

  /** Until the main thread of a process sleeps in the kernel. */
  const asleep = (pid = 0) =>
    until(() => /^State:\s+S/m.test(readFileSync(`/proc/${pid}/task/${pid}/status`, 'utf8')));

  describe('Mapping', () => {
    test.each([1, 4095, 4096, 4097, 5_000_000])('%i bytes of zeros, all of them and no more', (size) => {
      const made = mapping(size);
      expect([made.size, made.bytes.length, made.buffer.byteLength, made.closed]).toEqual([
        size,
        size,
        size,
        false,
      ]);
      expect(made.bytes.every((byte) => byte === 0)).toBe(true);
      made.bytes[size - 1] = 9;
      expect(new Uint8Array(made.buffer)[size - 1]).toBe(9);
      expect(made.bytes).toBe(made.bytes);
    });

    test('is the same memory in a child, and so are views of it', async () => {
      const made = mapping(10_000);
      const view = new Int32Array(made.buffer, 400, 3);
      const child = await start(tasks.fill, made, view);
      expect(await child.result()).toEqual([10_000, 400, true]);
      expect([made.bytes[0], made.bytes[9999], view[0]]).toEqual([7, 7, 123456]);
    });

    test('takes memory when it is touched, or at once where that is asked for', () => {
      const size = 32 * 1024 * 1024;
      const kilobytes = () =>
        Number(/^RssShmem:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1]);
      const before = kilobytes();
      const sparse = mapping(size);
      expect(kilobytes() - before).toBeLessThan(1024);
      sparse.populate();
      expect(kilobytes() - before).toBeGreaterThan(size / 1024 - 1024);
      sparse.close();
      expect(kilobytes() - before).toBeLessThan(1024);
      closing(new Mapping({ size, populate: true }));
      expect(kilobytes() - before).toBeGreaterThan(size / 1024 - 1024);
    });

    test('advice: what keeps the bytes, and what gives their pages back', () => {
      const made = mapping(3 * 65_536);
      made.bytes.fill(1);
      for (const advice of ADVICE.slice(0, -1)) {
        try {
          made.advise(advice);
        } catch (error) {
          expect(error).toMatchObject({ code: 'ERR_FORKFUL_UNSUPPORTED' }); // a kernel without huge pages
        }
      }
      expect(made.bytes.every((byte) => byte === 1)).toBe(true);
      made.advise('remove', { offset: 65_536, length: 65_536 });
      expect([made.bytes[65_535], made.bytes[65_536], made.bytes[131_071], made.bytes[131_072]]).toEqual([
        1, 0, 0, 1,
      ]);
      made.advise('remove', { offset: 1, length: 100 }); // no whole page
      expect(made.bytes[1]).toBe(1);
      made.advise('remove');
      expect(made.bytes.every((byte) => byte === 0)).toBe(true);
    });

    test('closed, it is empty and says so; the others keep it', async () => {
      const made = mapping();
      const here = closing(new context.SharedArray('int32', 1));
      const child = await start(tasks.keep, made, here);
      await until(() => here[0] === 1);
      const { buffer, bytes } = made;
      made.close();
      made.close();
      expect([bytes.length, buffer.byteLength, made.size, made.closed]).toEqual([0, 0, 4096, true]);
      for (const use of [() => made.populate(), () => made.advise('normal')])
        expect(thrown(use)).toMatchObject({ code: 'ERR_FORKFUL_CLOSED' });
      // To a copy nothing is sent.
      if (method !== 'fork')
        expect(await errorOf(start(tasks.keep, made, here))).toMatchObject({ code: 'ERR_FORKFUL_CLOSED' });
      expect(child.isAlive()).toBe(true);
    });

    test('who is killed leaves nothing behind, and takes nothing from the others', async () => {
      const made = mapping();
      const here = closing(new context.SharedArray('int32', 1));
      const child = await start(tasks.keep, made, here);
      await until(() => here[0] === 1);
      child.kill();
      await child.join();
      expect(made.bytes[0]).toBe(1);
      made.bytes[1] = 2;
      expect(made.bytes[1]).toBe(2);
    });

    test.each<[Anything, RegExp]>([
      [undefined, /"size" must be an integer (from 1 to|of at least 1)/],
      [{ size: 0 }, /"size" must be .* got number \(0\)/],
      [{ size: 2 ** 60 }, /"size" must be/],
      [{ size: '4096' }, /got string/],
      [{ size: 1, populate: 1 }, /"populate" must be a boolean/],
      [{ sise: 1 }, /did you mean "size"/],
      [4096, /must be an object/],
    ])('new Mapping(%j) is refused', (options, message) => {
      const error = thrown(() => new Mapping(options));
      expect(error).toMatchObject({ code: 'ERR_FORKFUL_INVALID_ARGUMENT' });
      expect(error.message).toMatch(message);
    });

    test('advice for what is not in it is refused', () => {
      const made = mapping();
      for (const [advice, options] of [
        ['dontneed', undefined],
        ['normal', { offset: 4097 }],
        ['normal', { offset: -1 }],
        ['normal', { offset: 4000, length: 97 }],
        ['normal', { length: 2 ** 53 }],
        ['normal', { offset: NaN }],
      ] as [Anything, Anything][]) {
        expect(thrown(() => made.advise(advice, options))).toMatchObject({
          code: 'ERR_FORKFUL_INVALID_ARGUMENT',
        });
      }
    });
  });

  describe('FutexWord', () => {
    test('waits only while the word is what is expected, and for as long as it is told', () => {
      const word = new FutexWord(words(), 3);
      expect(word.waitSync(1)).toBe('not-equal');
      expect(word.waitSync(0, { timeout: 0 })).toBe('timed-out');
      const started = performance.now();
      expect(word.waitSync(0, { timeout: 50 })).toBe('timed-out');
      expect(performance.now() - started).toBeGreaterThanOrEqual(49);
      expect(word.wake()).toBe(0);
    });

    test('its value is the element, as 32 bits', () => {
      const view = words();
      const word = new FutexWord(view, 2);
      word.value = 2 ** 32 - 1;
      expect([word.value, view[2], word.view[0], word.waitSync(-1, { timeout: 0 })]).toEqual([
        -1,
        -1,
        -1,
        'timed-out',
      ]);
      expect(word.waitSync(2 ** 32 - 1, { timeout: 0 })).toBe('timed-out');
      expect(Atomics.add(word.view, 0, 6)).toBe(-1);
      expect(word.value).toBe(5);
    });

    test.each(['a Mapping', 'a SharedArray', 'SharedMemory'])(
      'in %s, wakes as many as are asked for',
      async (where) => {
        const view = {
          'a Mapping': words,
          'a SharedArray': () => closing(new context.SharedArray('int32', 1)),
          SharedMemory: () => new Int32Array(closing(new context.SharedMemory({ size: 64 })).buffer),
        }[where]!();
        const word = new FutexWord(view);
        const here = closing(new context.SharedArray('int32', 1));
        const sleepers = [await start(tasks.sleep, word, here), await start(tasks.sleep, word, here)];
        await until(() => here[0] === 2);
        for (const { pid } of sleepers) await asleep(pid ?? 0);
        expect(word.wake(0)).toBe(0);
        await until(() => word.wake(1) === 1);
        await until(() => word.wake() === 1);
        expect(await Promise.all(sleepers.map((child) => child.result()))).toEqual([
          ['ok', 0],
          ['ok', 0],
        ]);
      },
    );

    test('neither signals nor a stop end a wait', async () => {
      const word = new FutexWord(words());
      const here = closing(new context.SharedArray('int32', 1));
      const child = await start(tasks.sleep, word, here, { timeout: 20_000 });
      await until(() => here[0] === 1);
      for (let i = 0; i < 20; i++) {
        await asleep(child.pid ?? 0);
        process.kill(child.pid ?? 0, 'SIGUSR1');
      }
      process.kill(child.pid ?? 0, 'SIGSTOP');
      process.kill(child.pid ?? 0, 'SIGCONT');
      await asleep(child.pid ?? 0);
      expect(child.isAlive()).toBe(true);
      word.value = 1;
      await until(() => word.wake() === 1);
      expect(await child.result()).toEqual(['ok', 1]);
    });

    test('a process that is to wake and is killed lets the others time out; a killed waiter is gone', async () => {
      const word = new FutexWord(words());
      const here = closing(new context.SharedArray('int32', 1));
      const waiter = await start(tasks.sleep, word, here);
      await until(() => here[0] === 1);
      await asleep(waiter.pid ?? 0);
      waiter.kill();
      await waiter.join();
      expect(word.wake()).toBe(0);
      expect(word.waitSync(0, { timeout: 20 })).toBe('timed-out');
    });

    test('its memory is closed here while another process waits: that one goes on until its time is over', async () => {
      const made = mapping();
      const word = new FutexWord(new Int32Array(made.buffer));
      const here = closing(new context.SharedArray('int32', 1));
      const child = await start(tasks.sleep, word, here, { timeout: 300 });
      await until(() => here[0] === 1);
      made.close();
      expect(await child.result()).toEqual(['timed-out', 0]);
      for (const use of [() => word.waitSync(0), () => word.wake(), () => word.value, () => (word.value = 1)])
        expect(thrown(use)).toMatchObject({ code: 'ERR_FORKFUL_CLOSED' });
      expect(word.view).toHaveLength(0);
    });

    test('ten thousand there and back, none lost', async () => {
      const view = words();
      const [there, back] = [new FutexWord(view, 0), new FutexWord(view, 8)];
      const child = await start(tasks.pingPong, there, back, 10_000);
      for (let i = 1; i <= 10_000; i++) {
        there.value = i;
        there.wake(1);
        while (back.value < i) expect(back.waitSync(i - 1, { timeout: 20_000 })).not.toBe('timed-out');
      }
      await child.result();
    });

    test.each<[string, () => Anything, Anything]>([
      ['ordinary memory', () => new Int32Array(4), 0],
      ['memory of threads', () => new Int32Array(new SharedArrayBuffer(4)), 0],
      ['other elements', () => new Float32Array(mapping().buffer), 0],
      ['bytes', () => mapping().bytes, 0],
      ['the Mapping itself', () => mapping(), 0],
      ['nothing', () => undefined, 0],
      ['no element', () => new Int32Array(mapping().buffer, 0, 0), 0],
      ['an index behind the end', words, 16],
      ['a negative index', words, -1],
      ['an index between', words, 0.5],
    ])('%s is refused', (_what, view, index) => {
      expect(thrown(() => new FutexWord(view(), index))).toMatchObject({
        code: 'ERR_FORKFUL_INVALID_ARGUMENT',
      });
    });
  });

  describe('Ring', () => {
    const ring = (options?: ConstructorParameters<typeof Ring>[0]) => closing(new Ring(options));
    const text = (bytes: Buffer | undefined) => bytes?.toString();

    test('records come out as they went in, empty ones and large ones too', () => {
      const made = ring();
      const large = Buffer.alloc(3_000_000, 'large');
      for (const bytes of [Buffer.from('one'), Buffer.alloc(0), large, new Uint8Array([1, 2])])
        expect(made.tryWrite(bytes)).toBe(true);
      expect([made.length, made.full]).toEqual([4, false]);
      expect(text(made.tryRead())).toBe('one');
      expect(made.readSync()).toHaveLength(0);
      expect(made.tryRead()?.equals(large)).toBe(true);
      expect(made.tryReadMany()).toEqual([Buffer.from([1, 2])]);
      expect([made.tryRead(), made.tryReadMany(3), made.length]).toEqual([undefined, [], 0]);
    });

    test('what was read stays as it is', () => {
      const made = ring();
      made.tryWriteMany([Buffer.from('first'), Buffer.from('second')]);
      const first = made.tryRead();
      const second = made.tryRead();
      first?.fill('x');
      expect(text(second)).toBe('second');
    });

    test('many at once, as many as there is room for', () => {
      const records = Array.from({ length: 200 }, (_, i) => tasks.recordOf(i) as Buffer);
      const made = ring({ maxRecords: 150 });
      expect(made.tryWriteMany(records)).toBe(150);
      expect([made.length, made.full, made.tryWrite(Buffer.from('x')), made.tryWriteMany([])]).toEqual([
        150,
        true,
        false,
        0,
      ]);
      const back = made.tryReadMany(1000);
      while (made.length > 0) back.push(...made.tryReadMany(7));
      expect(Buffer.concat(back).equals(Buffer.concat(records.slice(0, 150)))).toBe(true);
      const wide = ring();
      const large = Array.from({ length: 20 }, (_, i) => Buffer.alloc(100_000, i));
      expect(wide.tryWriteMany(large)).toBe(20);
      expect(wide.tryReadMany(20).length + wide.length).toBe(20);
    });

    test('bounds make writers wait, and time is over for them', async () => {
      const made = ring({ maxBytes: 64 });
      expect(made.tryWrite(Buffer.alloc(1000))).toBe(true); // larger than the bound: alone
      expect(made.tryWrite(Buffer.alloc(1))).toBe(false);
      expect(thrown(() => made.writeSync(Buffer.alloc(1), { timeout: 5 }))).toMatchObject({
        code: 'ERR_FORKFUL_FULL',
      });
      expect(await errorOf(made.write(Buffer.alloc(1), { timeout: 5 }))).toMatchObject({
        code: 'ERR_FORKFUL_FULL',
      });
      const waiting = made.write(Buffer.from('later'));
      made.tryRead();
      await waiting;
      expect(text(await made.read())).toBe('later');
      expect(thrown(() => made.readSync({ timeout: 5 }))).toMatchObject({ code: 'ERR_FORKFUL_EMPTY' });
      expect(await errorOf(made.read({ timeout: 5 }))).toMatchObject({ code: 'ERR_FORKFUL_EMPTY' });
      expect(await errorOf(made.read({ signal: AbortSignal.abort('enough') }).catch((e: unknown) => { throw new Error(String(e)); }))).toMatchObject({ message: 'enough' }); // prettier-ignore
    });

    test('close while calls wait: they reject; others go on', async () => {
      const made = ring({ maxRecords: 1 });
      const child = await start(tasks.write, made, 3);
      await until(() => made.length === 1);
      const empty = ring();
      const reading = errorOf(empty.read());
      empty.close();
      expect(await reading).toMatchObject({ code: 'ERR_FORKFUL_CLOSED' });
      for (const use of [
        () => empty.tryRead(),
        () => empty.tryWrite(Buffer.alloc(1)),
        () => empty.readSync(),
        () => empty.writeSync(Buffer.alloc(1)),
        () => empty.tryReadMany(),
        () => empty.tryWriteMany([]),
        () => empty.length,
        () => empty.full,
      ])
        expect(thrown(use)).toMatchObject({ code: 'ERR_FORKFUL_CLOSED' });
      expect(await errorOf(empty.write(Buffer.alloc(1)))).toMatchObject({ code: 'ERR_FORKFUL_CLOSED' });
      expect(empty.closed).toBe(true);
      for (let i = 0; i < 3; i++) expect(made.readSync().equals(tasks.recordOf(i))).toBe(true);
      await child.result();
    });

    test('there and back to a child that awaits', async () => {
      const [there, back] = [ring(), ring()];
      const child = await start(tasks.echo, there, back);
      for (const word of ['one', 'two', 'three']) {
        await there.write(Buffer.from(word));
        expect(text(await back.read())).toBe(word);
      }
      there.tryWrite(Buffer.alloc(0));
      await child.result();
    });

    test('a writer killed in the middle leaves whole records, and the next one goes on', async () => {
      const made = ring({ maxBytes: 100_000 });
      for (let i = 0; i < 5; i++) {
        const child = await start(tasks.writeForEver, made);
        for (let read = 0; read < 500; read++) expect(tasks.isWhole(made.readSync())).toBe(true);
        child.kill();
        await child.join();
        let left = 0;
        for (let bytes; (bytes = made.tryRead()) !== undefined; left++)
          expect(tasks.isWhole(bytes)).toBe(true);
        expect(made.length).toBe(0);
      }
    });

    test('readers killed while they wait and while they read stop nobody', async () => {
      const made = ring();
      const count = closing(new context.SharedArray('int32', 1));
      for (let i = 0; i < 3; i++) {
        const child = await start(tasks.readForEver, made, count);
        const before = count[0]!;
        for (let n = 0; count[0]! < before + 200; n++) {
          if (made.length < 100) made.writeSync(tasks.recordOf(n));
        }
        child.kill();
        await child.join();
      }
      while (made.tryRead() !== undefined) continue;
      made.writeSync(Buffer.from('still there'));
      expect(text(made.readSync())).toBe('still there');
    });

    test.each<Anything>([
      { maxRecords: -1 },
      { maxRecords: 2 ** 31 },
      { maxBytes: 0.5 },
      { maxBytes: '1' },
      { maxsize: 1 },
      5,
      null,
    ])('new Ring(%j) is refused', (options) => {
      expect(thrown(() => new Ring(options))).toMatchObject({ code: 'ERR_FORKFUL_INVALID_ARGUMENT' });
    });
  });

  test('nothing that JavaScript has ends the process: every call with everything works or throws an error of ours', async () => {
    const detached = new Uint8Array(8);
    structuredClone(detached.buffer, { transfer: [detached.buffer] });
    class Lying extends Uint8Array {
      override get length() {
        return 1e9;
      }
      override get byteLength() {
        return 1e9;
      }
    }
    const everything: Anything[] = [
      undefined, null, true, -1, 0, 1.5, NaN, Infinity, -Infinity, 2 ** 31, 2 ** 53, 10n, '', 'text', Symbol('x'), {}, [],
      [1], () => 0, new Uint8Array(0), new Uint8Array(9), new Float64Array(2), new DataView(new ArrayBuffer(8)), detached,
      new Lying(4), [new Lying(4)], [detached], new Proxy([], {}), new Proxy(new Uint8Array(2), {}), { timeout: NaN },
      { timeout: '1' }, { signal: 1 }, { offset: -1 }, { length: 2 ** 40 }, { size: 2 ** 70 }, { size: 8 },
    ]; // prettier-ignore
    const made = mapping();
    const word = new FutexWord(new Int32Array(made.buffer));
    const closed = new Ring();
    closed.close();
    const bounded = closing(new Ring({ maxRecords: 4 }));
    const calls: ((a: Anything, b: Anything) => unknown)[] = [
      (a) => closing(new Mapping(a)),
      (a, b) => made.advise(a, b),
      (_, b) => made.advise('normal', b),
      (a, b) => new FutexWord(a, b),
      (_, b) => new FutexWord(new Uint32Array(made.buffer), b),
      (a) => word.wake(a),
      (a) => {
        word.value = a;
        word.value = -7; // what nobody below expects: no call may sleep
      },
      (a, b) => word.waitSync(a, b),
      (_, b) => word.waitSync(-8, b),
      (a) => closing(new Ring(a)),
      (a) => bounded.tryWrite(a),
      (a) => bounded.tryWriteMany(a),
      (a) => bounded.tryReadMany(a),
      (a, b) => closed.writeSync(a, b),
      (a, b) => closed.write(a, b),
      (_, b) => closed.readSync(b),
      (_, b) => closed.read(b),
      () => bounded.tryRead(),
    ];
    word.value = -7;
    const surprises: unknown[] = [];
    const judge = (error: unknown) => {
      if (!(error instanceof forkful.ForkfulError)) surprises.push(String(error));
    };
    for (const call of calls) {
      for (const a of everything) {
        for (const b of everything) {
          try {
            await call(a, b);
          } catch (error) {
            judge(error);
          }
        }
      }
    }
    expect(surprises).toEqual([]);
  });
});
