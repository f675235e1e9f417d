import { closeSync, openSync, read, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { constants } from 'node:buffer';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import * as forkful from 'forkful';
import * as tasks from '../fixtures/shared.js';
import { describeEach, errorOf, thrown } from './methods';
import { tidily } from './tidily';
import { isSupported } from './unsupported';

const TYPES = {
  int8: Int8Array, uint8: Uint8Array, uint8clamped: Uint8ClampedArray, int16: Int16Array, uint16: Uint16Array, int32: Int32Array,
  uint32: Uint32Array, float32: Float32Array, float64: Float64Array, bigint64: BigInt64Array, biguint64: BigUint64Array,
}; // prettier-ignore
const types = Object.keys(TYPES) as forkful.ElementType[];
/** What Atomics take. */
const INTEGERS = types.filter((type) => !type.startsWith('float') && type !== 'uint8clamped');

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- what comes is looked at by what it does
type Anything = any;

describeEach('shared data', ({ backend, context, method }) => {
  /** The child has the parent's heap: nothing is sent. */
  const isCopy = method === 'fork';
  if (!isSupported('shared data', backend)) {
    test('is refused where memory cannot be shared, with the reason and what to do', () => {
      for (const [make, what] of [
        [() => new context.Value('int32'), 'a Value'],
        [() => new context.SharedArray('int32', 5), 'a SharedArray'],
        [() => new context.SharedMemory({ size: 5 }), 'SharedMemory'],
        [() => new context.SharedMemory({ name: 'any' }), 'SharedMemory'],
        [() => new context.ShareableList([5]), 'a ShareableList'],
      ] as const) {
        const error = thrown(make);
        expect(error.code).toBe('ERR_FORKFUL_UNSUPPORTED');
        expect(error.message).toMatch(
          new RegExp(`for ${what}, but .* child_process backend; .* Send values through`),
        );
      }
    });
    return;
  }
  const { Process: P, Value, SharedArray, SharedMemory, ShareableList, Queue } = context;
  const { closing, running } = tidily();
  const start = (target: (...args: never[]) => unknown, ...args: unknown[]) =>
    running(new P({ target: target as never, args }));

  async function spin(flags: Int32Array, index: number): Promise<void> {
    const end = Date.now() + 20_000;
    while (Atomics.load(flags, index) === 0) {
      if (Date.now() > end) throw new Error(`flag ${index} was not set within 20 s`);
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
  }

  const flags = () => closing(new SharedArray('int32', 2));

  /** A name of this run and of this test. */
  let names = 0;
  const newName = () => `test-${process.env['FORKFUL_TEST_RUN'] ?? ''}-${process.pid}-${++names}`;
  const fileOf = (name: string) => `/dev/shm/forkful-${process.geteuid?.() ?? 0}/memory.${name}`;

  describe('Value', () => {
    test.each(types)('%s is 0 at first and converts as its typed array does', (type) => {
      const big = type.startsWith('big');
      const value = closing(new Value(type)) as forkful.Value;
      expect(value.value).toBe(big ? 0n : 0);
      const model = new TYPES[type](1);
      for (const number of [1, -1, 300, 70_000, 2 ** 31, 1.5, -0.5, NaN]) {
        if (big && !Number.isInteger(number)) continue;
        value.value = model[0] = (big ? BigInt(number) : number) as never;
        expect(value.value).toBe(model[0]);
        const other = closing(new Value(type, value.value)) as forkful.Value;
        expect(other.value).toBe(model[0]);
      }
    });

    test('what is no number is refused', () => {
      for (const bad of ['float', 'Float64Array', 'toString', '', null, undefined, 5]) {
        expect(thrown(() => new Value(bad as never)).message).toMatch(/"type" must be one of 'int8', .* got/);
      }
      const value = closing(new Value('int32', 4));
      for (const bad of ['5', null, undefined, {}, [1], new Date(), 5n, true]) {
        const error = thrown(() => (value.value = bad as never));
        expect(error.code).toBe('ERR_FORKFUL_INVALID_ARGUMENT');
        expect(error.message).toMatch(/^Value\.value must be a number, as its type is 'int32', got/);
        expect(thrown(() => value.update(() => bad as never)).code).toBe('ERR_FORKFUL_INVALID_ARGUMENT');
        if (bad !== undefined)
          expect(() => new Value('int32', bad as never)).toThrow(/"init" must be a number/);
      }
      expect(() => new Value('biguint64', 5 as never)).toThrow(/must be a bigint, such as 5n/);
      expect(() => value.update((async () => 5) as never)).toThrow(/a promise: .* must be synchronous/);
      expect(() => value.update(5 as never)).toThrow(/"fn" must be a function/);
      expect(() => new Value('int8', 0, { lock: 5 } as never)).toThrow(/"lock" must be a boolean or a lock/);
      expect(() => new Value('int8', 0, { locked: true } as never)).toThrow(/did you mean "lock"/);
      expect(value.value).toBe(4);
    });

    test.each(['int32', 'float64', 'uint8'] as const)(
      'updates of %s by 4 processes are exact',
      async (type) => {
        const value = closing(new Value(type, 1));
        const all = await Promise.all([1, 2, 3, 4].map(() => start(tasks.increment, value, 10_000)));
        for (const child of all) expect(await child.result()).toBe(undefined);
        expect(value.value).toBe(type === 'uint8' ? 40_001 % 256 : 40_001);
      },
    );

    test('updates of bigints beyond 2^53 are exact', async () => {
      const value = closing(new Value('bigint64', 2n ** 60n));
      const all = await Promise.all([1, 2, 3].map(() => start(tasks.incrementBigInt, value, 5_000)));
      for (const child of all) await child.result();
      expect(value.value).toBe(2n ** 60n + 15_000n);
    });

    test('one that is killed in its update has not changed it, and the next goes on at once', async () => {
      const value = closing(new Value('float64', 0.5));
      for (let i = 0; i < 5; i++) {
        const signals = flags();
        const child = await start(tasks.holdValue, value, signals);
        await spin(signals, 0);
        expect(thrown(() => value.update((n) => n, { timeout: 20 })).code).toBe('ERR_FORKFUL_TIMEOUT');
        expect(value.value).toBe(0.5 + i);
        child.kill();
        await child.join();
        expect(value.update((n) => n + 1, { timeout: 100 })).toBe(1.5 + i);
      }
    });

    test('one that ends its process in its update frees it too', async () => {
      const value = closing(new Value('int16', 3));
      const child = await start(tasks.exitInUpdate, value);
      await child.join();
      expect(child.exitCode).toBe(3);
      expect(value.update((n) => 2 * n, { timeout: 100 })).toBe(6);
    });

    test('an update waits for that of another process, and sees what it has made of it', async () => {
      const value = closing(new Value('int32', 1));
      const signals = flags();
      const child = await start(tasks.holdValue, value, signals);
      await spin(signals, 0);
      expect(() => value.update((n) => n, { timeout: 0 })).toThrow(
        /within 0 ms, but another process holds it/,
      );
      Atomics.store(signals, 1, 1);
      expect(value.update((n) => n + 1)).toBe(1002);
      await child.result();
    });

    test('updates nest; one that throws changes nothing', () => {
      const value = closing(new Value('int32', 1));
      expect(() =>
        value.update(() => {
          throw new RangeError('no');
        }),
      ).toThrow(RangeError);
      expect(value.value).toBe(1);
      const outer = value.update((n) => {
        value.value = 5;
        expect(value.update((m) => m + 1)).toBe(6);
        return n + value.value;
      });
      expect(outer).toBe(7);
    });

    test('closed: by dispose, twice, within an update', () => {
      const value = new Value('int32', 1);
      expect(
        value.update(() => {
          value.close();
          return 2;
        }),
      ).toBe(2);
      value.close();
      value[Symbol.dispose]();
      for (const use of [() => value.value, () => (value.value = 1), () => value.update((n) => n)]) {
        expect(thrown(use).code).toBe('ERR_FORKFUL_CLOSED');
      }
      const raw = new Value('int32', 1, { lock: false });
      raw.close();
      expect(thrown(() => (raw.value = 1)).code).toBe('ERR_FORKFUL_CLOSED');
    });

    test('without a lock there is no update; with one of yours it is that one', async () => {
      const raw = closing(new Value('float32', 1.5, { lock: false }));
      raw.value += 1;
      expect(raw.value).toBe(2.5);
      const error = thrown(() => raw.update((n) => n));
      expect(error.code).toBe('ERR_FORKFUL_INVALID_STATE');
      expect(error.message).toMatch(/made with \{ lock: false \}; leave that out/);
      const child = await start(tasks.increment, raw, 1);
      expect(await errorOf(child.result())).toMatchObject({ code: 'ERR_FORKFUL_INVALID_STATE' });

      const calls: unknown[] = [];
      const lock = {
        run: async <R>(fn: () => R | PromiseLike<R>) => fn(),
        acquireSync: (options?: object) => {
          calls.push(options);
          return options === undefined;
        },
        release: () => calls.push('release'),
      };
      const guarded = closing(new Value('int32', 1, { lock }));
      expect(guarded.lock).toBe(lock);
      expect(guarded.update((n) => n + 1)).toBe(2);
      expect(() =>
        guarded.update(() => {
          throw new Error('inside');
        }),
      ).toThrow('inside');
      expect(thrown(() => guarded.update((n) => n, { timeout: 5 })).code).toBe('ERR_FORKFUL_TIMEOUT');
      expect(calls).toEqual([undefined, 'release', undefined, 'release', { timeout: 5 }]);
      if (isCopy) return;
      const refused = await errorOf(start(tasks.increment, guarded, 1));
      expect(refused.message).toMatch(/lock of this Value cannot be sent/);
    });
  });

  describe('with locks of the library', () => {
    test('several things are guarded by one, which goes along', async () => {
      const lock = closing(new context.RLock());
      const value = closing(new Value('int32', 0, { lock }));
      const array = closing(new SharedArray('float64', 1, { lock }));
      expect([value.lock, array.lock]).toEqual([lock, lock]);
      const all = await Promise.all([
        start(tasks.increment, value, 2_000),
        start(tasks.incrementBoth, value, array, 2_000),
        start(tasks.incrementBoth, value, array, 2_000),
      ]);
      for (const child of all) await child.result();
      expect([value.value, array[0]]).toEqual([6_000, 4_000]);
      expect(value.update((n) => array.update(() => n + 1))).toBe(6_001);
    });

    test('a holder that is killed frees it, and the next one is told', async () => {
      const array = closing(new SharedArray('int32', 1, { lock: closing(new context.Lock()) }));
      const signals = flags();
      const child = await start(tasks.holdArray, array, signals);
      await spin(signals, 0);
      expect(thrown(() => array.update(() => 1, { timeout: 20 })).code).toBe('ERR_FORKFUL_TIMEOUT');
      child.kill();
      await child.join();
      expect(array.update((a, ownerDied) => [a[0], ownerDied], { timeout: 1000 })).toEqual([1, true]);
      expect(array.update((_, ownerDied) => ownerDied)).toBe(false);
    });
  });

  describe('SharedArray', () => {
    test.each(types)('%s is a real typed array of zeros', (type) => {
      const array = closing(new SharedArray(type, 3)) as forkful.SharedArray<'float64'>;
      const big = type.startsWith('big');
      expect(array).toBeInstanceOf(TYPES[type]);
      expect(array).toBeInstanceOf(SharedArray);
      expect([...array]).toEqual(big ? [0n, 0n, 0n] : [0, 0, 0]);
      expect([array.length, array.type, array.lock, Object.keys(array)]).toEqual([
        3,
        type,
        true,
        ['0', '1', '2'],
      ]);
      const one = (big ? 1n : 1) as number;
      array.fill(one);
      for (const made of [array.map((x) => x), array.slice(1), array.filter(() => true)]) {
        expect(Object.getPrototypeOf(made)).toBe(TYPES[type].prototype);
        expect(made.buffer).not.toBe(array.buffer);
      }
      const part = array.subarray(1);
      expect(part.buffer).toBe(array.buffer);
      expect(part).not.toBeInstanceOf(SharedArray);
      array[5] = one;
      expect(array[5]).toBe(undefined);
      const copy = closing(new SharedArray(type, array)) as forkful.SharedArray<'float64'>;
      expect([...copy]).toEqual([one, one, one]);
      expect(copy.buffer).not.toBe(array.buffer);
    });

    test('is made of a length or of numbers', () => {
      expect([...closing(new SharedArray('int16', new Set([1, 2, 70_000])))]).toEqual([1, 2, 4464]);
      expect(closing(new SharedArray('int8', [])).length).toBe(0);
      expect(closing(new SharedArray('float64', 0)).byteLength).toBe(0);
      const make = (...args: unknown[]) => thrown(() => new SharedArray(...(args as ['int8', 1])));
      for (const length of [-1, 1.5, NaN, Infinity, 2 ** 53, constants.MAX_LENGTH + 1]) {
        expect(make('uint8', length).code).toBe('ERR_FORKFUL_INVALID_ARGUMENT');
      }
      for (const contents of [
        undefined,
        null,
        '5',
        {},
        [1, '2'],
        [1n],
        [null],
        [,],
        new BigInt64Array(1),
        5n,
      ]) {
        expect(make('uint8', contents).code).toBe('ERR_FORKFUL_INVALID_ARGUMENT');
      }
      expect(make('uint8', [1, '2']).message).toMatch(/SharedArray values\[1\] must be a number/);
      expect(make('float', 1).message).toMatch(/"type" must be one of/);
      expect(make('int8', 1, 5).message).toMatch(/options must be an object/);
    });

    test('more memory than there is is an error', () => {
      // What an ArrayBuffer may have is less than the memory of a large machine on older versions of Node.
      const error = thrown(() => new SharedMemory({ size: Math.min(constants.MAX_LENGTH + 1, 2 ** 50) }));
      const expected = constants.MAX_LENGTH < 2 ** 50 ? 'INVALID_ARGUMENT' : 'MEMORY';
      expect(error.code).toBe(`ERR_FORKFUL_${expected}`);
    });

    test.each(INTEGERS)('Atomics on %s are exact between processes', async (type) => {
      const array = closing(new SharedArray(type, 8)) as forkful.SharedArray<'int32'>;
      const big = type.startsWith('big');
      const one = big ? 1n : 1;
      const all = await Promise.all([1, 2, 3].map(() => start(tasks.addAtomically, array, 200_000, one)));
      for (const child of all) await child.result();
      const sum = Atomics.load(array, 0) as number | bigint;
      const model = new TYPES[type](1);
      model[0] = (big ? 600_000n : 600_000) as never; // wraps as the elements do
      expect(sum).toBe(model[0]);
    });

    test('updates by 4 processes are exact; whoever follows a killed one is told', async () => {
      const array = closing(new SharedArray('float64', 2));
      const all = await Promise.all([1, 2, 3, 4].map(() => start(tasks.incrementFirst, array, 5_000)));
      for (const child of all) await child.result();
      expect(array[0]).toBe(20_000);
      const signals = flags();
      const child = await start(tasks.holdArray, array, signals);
      await spin(signals, 0);
      child.kill();
      await child.join();
      expect(array.update((a, ownerDied) => [a[0], ownerDied], { timeout: 100 })).toEqual([1, true]);
      expect(array.update((_, ownerDied) => ownerDied)).toBe(false);
      expect(() => array.update(async () => 1)).toThrow(/gives a promise/);
      expect(() => array.update('x' as never)).toThrow(/must be a function/);
      expect(array.update((a) => a.update((b) => b === array))).toBe(true);
    });

    test('arrays, their parts and all other views arrive as the same memory', async () => {
      const array = closing(new SharedArray('float64', [1.5, 2.5, 3.5]));
      const memory = closing(new SharedMemory({ size: 100 }));
      const list = closing(new ShareableList(['a', 2n, Buffer.from([0])]));
      const value = closing(new Value('int32', 8));
      const bytes = Buffer.from(memory.buffer, 10, 20);
      bytes[0] = 7;
      const view = new DataView(memory.buffer, 30);
      const given = {
        array, part: array.subarray(1, 2), bytes, view, buffer: memory.buffer, memory, same: array, list, value,
      }; // prettier-ignore
      const child = await start(tasks.visit, given);
      expect(await child.result()).toEqual({
        kinds: ['Float64Array', 'Float64Array', true, 'DataView', 'ArrayBuffer'],
        lengths: [3, 1, 20, 70, 100, 100],
        sharesBuffers: true,
        sameObject: true,
        first: [1.5, 2.5, 7],
        list: ['a', 2n, Buffer.from([0])],
        value: 8,
      });
      expect([...array]).toEqual([1.5, -2.5, 3.5]);
      expect([bytes[1], view.getUint8(1), list.get(0), value.value]).toEqual([200, 201, 'changed', 9]);
    });

    test('what was passed on stays valid when it is closed here', async () => {
      const array = new SharedArray('int32', [5]);
      const value = closing(new Value('int32', 1));
      const child = new P({ target: tasks.incrementFirst, args: [array, 10] });
      const starting = running(child);
      if (isCopy) await starting; // the copy is made when it resolves
      array.close();
      await starting;
      expect(await child.result()).toBe(undefined);
      if (isCopy) return;
      expect((await errorOf(start(tasks.increment, [array], value))).code).toBe('ERR_FORKFUL_CLOSED');
    });

    test('through the initializer of a pool', async () => {
      const array = closing(new SharedArray('float64', [1, 2, 3, 4, 5, 6]));
      const pool = new context.Pool({ processes: 2, initializer: tasks.keep, initargs: [array.subarray(2)] });
      try {
        expect(await pool.map(tasks.double, [0, 1, 2, 3])).toEqual([4, 4, 4, 4]);
        expect([...array]).toEqual([1, 2, 6, 8, 10, 12]);
      } finally {
        await pool.terminate();
      }
    });

    test('in messages they are the same memory, with their offsets; copies are copies', async () => {
      const q = closing(new Queue<Anything>());
      const [a, b] = context.Pipe<Anything, Anything>();
      closing(a);
      closing(b);
      const memory = closing(new SharedMemory({ size: 8 }));
      const array = closing(new SharedArray('int8', [1, 2, 3]));
      const list = closing(new ShareableList([1]));
      const value = closing(new Value('int8'));
      q.putNowait({ array, part: array.subarray(1), bytes: Buffer.from(memory.buffer), list, value });
      a.sendSync({ view: new DataView(memory.buffer, 4), whole: memory.buffer, memory });
      const got = q.getNowait();
      const more = b.recvSync();
      closing(more.memory);
      for (const owner of [got.array, got.list, got.value]) closing(owner);
      got.part[0] = 7;
      expect([...got.array, ...array]).toEqual([1, 7, 3, 1, 7, 3]);
      got.bytes[4] = 9;
      expect([
        more.view.getInt8(0),
        new Uint8Array(more.whole)[4],
        new Uint8Array(more.memory.buffer)[4],
      ]).toEqual([9, 9, 9]);
      got.list.set(0, 5);
      got.value.value = 6;
      expect([list.get(0), value.value]).toEqual([5, 6]);
      const copy = Buffer.from(Buffer.from(memory.buffer));
      q.putNowait([copy, Int8Array.from(array)]);
      array[0] = 100;
      expect(q.getNowait()).toEqual([copy, Int8Array.from([1, 7, 3])]);
    });

    test('closed: its views are detached, and using them does no harm', async () => {
      const array = new SharedArray('int32', [1, 2, 3]);
      const part = array.subarray(1);
      const view = new DataView(array.buffer);
      const signals = flags();
      array.update(() => array.close());
      array.close();
      array[Symbol.dispose]();
      expect([
        array.length,
        part.length,
        array[0],
        part[0],
        array.byteLength,
        array.buffer.byteLength,
      ]).toEqual([0, 0, undefined, undefined, 0, 0]);
      array[0] = 5;
      expect(array[0]).toBe(undefined);
      for (const use of [() => array.fill(1), () => Atomics.add(part, 0, 1), () => view.getInt8(0)]) {
        expect(use).toThrow(TypeError);
      }
      expect(thrown(() => array.update(() => 1)).code).toBe('ERR_FORKFUL_CLOSED');
      expect(signals.length).toBe(2);
      if (isCopy) return;
      expect((await errorOf(start(tasks.incrementFirst, part, 1))).code).toBe('ERR_FORKFUL_CLOSED');
    });

    test('closed while the system writes into it', async () => {
      const file = join(tmpdir(), `forkful-shared-${process.pid}`);
      writeFileSync(file, Buffer.alloc(1 << 20, 1));
      const fd = openSync(file, 'r');
      try {
        for (let i = 0; i < 20; i++) {
          const array = new SharedArray('uint8', 1 << 20);
          const reading = promisify(read)(fd, array, 0, 1 << 20, 0);
          array.close();
          await new Promise(setImmediate); // the buffer's finalizer has run
          expect((await reading).bytesRead).toBe(1 << 20);
        }
      } finally {
        closeSync(fd);
        rmSync(file);
      }
    });
  });

  describe('SharedMemory', () => {
    test('without a name', () => {
      const memory = closing(new SharedMemory({ create: true, size: 5000 }));
      expect([memory.size, memory.buffer.byteLength, memory.name, memory.closed]).toEqual([
        5000,
        5000,
        undefined,
        false,
      ]);
      expect(new Uint8Array(memory.buffer).every((byte) => byte === 0)).toBe(true);
      memory.unlink();
      memory.close();
      memory.close();
      expect([memory.buffer.byteLength, memory.closed]).toEqual([0, true]);
    });

    test('with a name: created once, attached to, taken away', () => {
      const name = newName();
      const made = closing(new SharedMemory({ create: true, name, size: 1000 }));
      expect(statSync(fileOf(name)).mode & 0o7777).toBe(0o600);
      expect(statSync(join(fileOf(name), '..')).mode & 0o7777).toBe(0o700);
      const found = closing(new SharedMemory({ name }));
      expect([made.name, found.name, found.size]).toEqual([name, name, 1000]);
      new Uint8Array(made.buffer)[999] = 5;
      expect(new Uint8Array(found.buffer)[999]).toBe(5);
      const again = thrown(() => new SharedMemory({ create: true, name, size: 1000 }));
      expect(again).toMatchObject({
        code: 'ERR_FORKFUL_EXISTS',
        message: expect.stringContaining(name) as string,
      });

      made.unlink();
      expect(thrown(() => new SharedMemory({ name })).code).toBe('ERR_FORKFUL_NOT_FOUND');
      new Uint8Array(made.buffer)[0] = 6;
      expect(new Uint8Array(found.buffer)[0]).toBe(6);
      const other = closing(new SharedMemory({ create: true, name, size: 10 }));
      made.unlink();
      found.close();
      found.unlink();
      expect(closing(new SharedMemory({ name })).size).toBe(10);
      other.close();
      other.unlink();
      other.unlink();
      expect(thrown(() => new SharedMemory({ name })).code).toBe('ERR_FORKFUL_NOT_FOUND');
    });

    test('wrong sizes and names', () => {
      const make = (options: unknown) => thrown(() => new SharedMemory(options as { size: 1 }));
      for (const size of [0, -1, 1.5, NaN, Infinity, '5', null, 5n, 2 ** 53]) {
        expect(make({ create: true, size }).code).toBe('ERR_FORKFUL_INVALID_ARGUMENT');
        expect(make({ create: true, size, name: newName() }).code).toBe('ERR_FORKFUL_INVALID_ARGUMENT');
      }
      for (const name of ['', 'a/b', '../x', 'a\0b', 'x'.repeat(201), '\ud800', 5, null]) {
        expect(make({ create: true, size: 1, name }).code).toBe('ERR_FORKFUL_INVALID_ARGUMENT');
        expect(make({ name }).code).toBe('ERR_FORKFUL_INVALID_ARGUMENT');
      }
      for (const options of [undefined, {}, { create: false }, { create: 1, size: 1 }, { sizes: 1 }, 5]) {
        expect(make(options).code).toBe('ERR_FORKFUL_INVALID_ARGUMENT');
      }
      const name = newName();
      expect(make({ name })).toMatchObject({
        code: 'ERR_FORKFUL_NOT_FOUND',
        message: expect.stringContaining(name) as string,
      });
      const memory = closing(new SharedMemory({ create: true, name, size: 100 }));
      expect(closing(new SharedMemory({ name, size: 100 })).size).toBe(100);
      expect(make({ name, size: 101 }).message).toMatch(/must be at most 100, which is what/);
      memory.unlink();
      const odd = `${newName()} ż🎉.-_ ..`;
      const oddly = closing(new SharedMemory({ create: true, name: odd, size: 1 }));
      expect(closing(new SharedMemory({ name: odd })).size).toBe(1);
      oddly.unlink();
    });

    test('by name in another process; its end takes nothing away from those who stay', async () => {
      const name = newName();
      const memory = closing(new SharedMemory({ create: true, name, size: 10 }));
      new Uint8Array(memory.buffer)[0] = 42;
      const q = closing(new Queue<number>());
      const child = await start(tasks.attachAndHang, name, q);
      expect(await q.get({ timeout: 20_000 })).toBe(42);
      child.kill();
      await child.join();
      const other = await start(tasks.attachAndHang, name, q);
      expect(await q.get({ timeout: 20_000 })).toBe(42);
      other.terminate();
      await other.join();
      expect(closing(new SharedMemory({ name })).size).toBe(10);
      memory.unlink();
    });

    test('handed on with its name, and taken away by the one who got it', async () => {
      const name = newName();
      const memory = closing(new SharedMemory({ create: true, name, size: 10 }));
      const child = await start(tasks.takeNameAway, memory);
      expect(await child.result()).toBe(name);
      expect(thrown(() => new SharedMemory({ name })).code).toBe('ERR_FORKFUL_NOT_FOUND');
    });
  });

  describe('ShareableList', () => {
    const items = [
      0, -0, 1.5, NaN, -Infinity, 2 ** 53, 0n, 2n ** 63n - 1n, -(2n ** 63n), true, false, null, '', 'text', 'nul\0 inside\0\0', '\0', 'żółć – 漢字 🎉',
      '\ud800 half', 'x'.repeat(100_000), Buffer.alloc(0), Buffer.from([0, 0, 1, 0]), Buffer.alloc(5000, 0),
    ]; // prettier-ignore

    test('gives back what was put into it', () => {
      const list = closing(new ShareableList(items));
      expect(list.length).toBe(items.length);
      const back = [...list];
      expect(back).toEqual(items);
      for (const [i, item] of items.entries()) {
        expect(Object.is(list.get(i), item) || Buffer.isBuffer(item)).toBe(true);
        expect(list.at(i - items.length)).toEqual(item);
      }
      for (const item of back)
        if (Buffer.isBuffer(item)) expect(item.buffer).not.toBe((list as never)['buffer']);
      expect([...closing(new ShareableList([]))]).toEqual([]);
      expect(closing(new ShareableList(new Set([new Uint8Array([1, 2])]))).get(0)).toEqual(
        Buffer.from([1, 2]),
      );
    });

    test('items are replaced in place by all that fits', () => {
      const list = closing(
        new ShareableList<forkful.ShareableItem>([1, 'twelve bytes', Buffer.alloc(20), null]),
      );
      for (const [i, value] of [
        [0, 'seven b'], [0, 5n], [0, null], [0, Buffer.alloc(16, 1)], [1, 'x'.repeat(16)], [1, ''], [1, 7.25], [2, '\0\0\0'], [-1, true],
        [3, 'ß'.repeat(4)], [2, 'ż\ud800'],
      ] as const) {
        list.set(i, value);
        expect(list.get(i)).toEqual(value);
      } // prettier-ignore
      const error = thrown(() => list.set(1, 'x'.repeat(17)));
      expect(error.code).toBe('ERR_FORKFUL_INVALID_ARGUMENT');
      expect(error.message).toMatch(
        /^item 1 of this ShareableList has room for 16 bytes, got a string of 17; make/,
      );
      expect(() => list.set(0, '🎉'.repeat(5))).toThrow(/got a string of 20/);
      expect(list.get(1)).toBe(7.25);
    });

    test('count, indexOf, errors', () => {
      const list = closing(new ShareableList([1, 1n, 'a', 'a', null, Buffer.from('a'), 1]));
      expect([
        list.count(1),
        list.count(1n),
        list.count('a'),
        list.count(Buffer.from('a')),
        list.count('b'),
      ]).toEqual([2, 1, 2, 1, 0]);
      expect([
        list.indexOf(1n),
        list.indexOf('a'),
        list.indexOf(Buffer.from('a')),
        list.indexOf(true),
      ]).toEqual([1, 2, 5, -1]);
      for (const index of [7, -8, 1.5, NaN, '0', undefined, 2 ** 40]) {
        for (const use of [() => list.get(index as number), () => list.set(index as number, 1)]) {
          expect(thrown(use).message).toMatch(/index must be an integer from -7 to 6, got/);
        }
      }
      expect([list.at(7), list.at(-8)]).toEqual([undefined, undefined]);
      for (const bad of [
        undefined,
        {},
        [],
        () => 1,
        Symbol('s'),
        new Date(),
        new Float64Array(1),
        2n ** 63n,
      ]) {
        expect(() => list.set(0, bad as never)).toThrow(/^set argument "value" must/);
        expect(() => new ShareableList([1, bad as never])).toThrow(/^ShareableList values\[1\] must/);
      }
      expect(() => new ShareableList(5 as never)).toThrow(/"values" must be an iterable/);
      expect(() => new ShareableList()).toThrow(/"values" is missing/);
      expect(() => closing(new ShareableList([])).get(0)).toThrow(/ShareableList/);
      list.close();
      for (const use of [() => list.get(0), () => list.set(0, 1), () => [...list]]) {
        expect(thrown(use).code).toBe('ERR_FORKFUL_CLOSED');
      }
      list.close();
    });

    test('by name', async () => {
      const name = newName();
      expect(thrown(() => new ShareableList(null, { name })).code).toBe('ERR_FORKFUL_NOT_FOUND');
      const list = closing(new ShareableList<forkful.ShareableItem>(['some long text', 2], { name }));
      expect(list.name).toBe(name);
      expect(thrown(() => new ShareableList([1], { name })).code).toBe('ERR_FORKFUL_EXISTS');
      const child = await start(tasks.readNamedList, name);
      expect(await child.result()).toEqual(['some long text', 2]);
      expect(list.get(0)).toBe('from the child');
      list.unlink();
      const memory = closing(new SharedMemory({ create: true, name, size: 100 }));
      expect(() => new ShareableList(null, { name })).toThrow(/is no ShareableList/);
      memory.unlink();
    });

    test('a reader sees whole items, while writers write and are killed', async () => {
      const list = closing(new ShareableList<string>(['?'.repeat(2000)]));
      let seen = 0;
      for (let i = 0; i < 4; i++) {
        const signals = flags();
        const writers = [
          await start(tasks.writeTexts, list, signals),
          await start(tasks.writeTexts, list, signals),
        ];
        await spin(signals, 0);
        for (const end = Date.now() + 100; Date.now() < end; seen++) {
          const text = list.get(0);
          if (text !== text[0]?.repeat(text.length)) throw new Error(`a mixture: ${text}`);
        }
        for (const writer of writers) {
          writer.kill();
          await writer.join();
          const text = list.get(0);
          if (text !== 'mine') expect(text).toBe(text[0]?.repeat(text.length));
          list.set(0, 'mine', { timeout: 20_000 });
        }
      }
      expect(seen).toBeGreaterThan(100);
    });
  });

  test('hostile bytes in a list are an error', () => {
    const name = newName();
    const list = closing(new ShareableList(['text', 1, null], { name }));
    const words = Array.from({ length: 20 }, (_, i) => i);
    const file = fileOf(name);
    const original = readFileSync(file);
    for (const word of words) {
      for (const value of [0xffffffff, 0x80000000, 0x7fffffff, 1, 0]) {
        const bytes = Buffer.from(original);
        bytes.writeUInt32LE(value, 128 + 4 * word); // behind the header of the block
        overwrite(file, bytes);
        try {
          expect([...closing(new ShareableList(null, { name }))].length).toBeLessThan(4);
        } catch (error) {
          if (!(error instanceof forkful.CorruptError)) throw error;
        }
      }
      overwrite(file, original);
    }
    overwrite(file, Buffer.alloc(128));
    expect(thrown(() => new ShareableList(null, { name })).code).toBe('ERR_FORKFUL_CORRUPT');
    overwrite(file, original);
    list.unlink();
  });
});

function overwrite(file: string, bytes: Buffer): void {
  const fd = openSync(file, 'r+');
  try {
    writeFileSync(fd, bytes);
  } finally {
    closeSync(fd);
  }
}
