import fc from 'fast-check';
import { types } from 'node:util';
import * as errors from '../dist/errors';
import { HANDLE, Reader, Writer, registerClass, type HandleSink } from '../dist/serializer';

const { SerializationError } = errors;
const writer = new Writer(16); // small, so that it grows
const reader = new Reader();

function encode(value: unknown, path?: string, sink?: HandleSink): Buffer {
  writer.reset().value(value, path, sink);
  return Buffer.from(writer.buffer.subarray(0, writer.length));
}

function decode(bytes: Buffer): unknown {
  return reader.reset(bytes, 0, bytes.length).value();
}

/** Through bytes that are destroyed afterwards: what comes back may not share them. */
function roundTrip<T>(value: T): T {
  const bytes = encode(value);
  const back = decode(bytes);
  expect(reader.offset).toBe(bytes.length);
  bytes.fill(0xff);
  return back as T;
}

function failure(act: () => unknown): InstanceType<typeof SerializationError> {
  try {
    act();
  } catch (error) {
    expect(error).toBeInstanceOf(SerializationError);
    return error as InstanceType<typeof SerializationError>;
  }
  throw new Error('expected a SerializationError');
}

/** Of any realm: jest's sandbox has intrinsics of its own, structuredClone gives those of the main realm. */
const kind = (value: unknown): string => Object.prototype.toString.call(value);

/** Whether two values are alike in all that structured clone keeps, references between their objects included. */
function alike(a: unknown, b: unknown, met = new Map<unknown, unknown>()): boolean {
  if (typeof a !== 'object' || a === null || typeof b !== 'object' || b === null) return Object.is(a, b);
  if (met.has(a)) return met.get(a) === b;
  met.set(a, b);
  if (kind(a) !== kind(b) || Buffer.isBuffer(a) !== Buffer.isBuffer(b)) return false;
  const each = (left: readonly unknown[], right: readonly unknown[]): boolean =>
    left.length === right.length && left.every((value, i) => alike(value, right[i], met));
  if (types.isMap(a) && types.isMap(b)) return each([...a].flat(), [...b].flat());
  if (types.isSet(a) && types.isSet(b)) return each([...a], [...b]);
  if (types.isDate(a) && types.isDate(b)) return Object.is(a.getTime(), b.getTime());
  if (types.isRegExp(a) && types.isRegExp(b)) return `${a} ${a.lastIndex}` === `${b} ${b.lastIndex}`;
  if (types.isBoxedPrimitive(a)) return Object.is(a.valueOf(), b.valueOf());
  if (types.isArrayBuffer(a)) return Buffer.from(a).equals(Buffer.from(b as ArrayBuffer));
  if (ArrayBuffer.isView(a)) {
    const view = b as DataView;
    if (a.byteLength !== view.byteLength) return false;
    if (Buffer.isBuffer(a)) return a.equals(view as never);
    return a.byteOffset === view.byteOffset && alike(a.buffer, view.buffer, met);
  }
  const keys = Object.keys(a);
  if ((Array.isArray(a) && a.length !== (b as unknown[]).length) || !each(keys, Object.keys(b))) return false;
  return keys.every((key) => alike(Reflect.get(a, key), Reflect.get(b, key), met));
}

function expectAsCloned(value: unknown): void {
  expect(alike(roundTrip(value), structuredClone(value))).toBe(true);
}

function array(length: number, fill: (array: unknown[]) => void): unknown[] {
  const made: unknown[] = [];
  made.length = length;
  fill(made);
  return made;
}

const shared = { n: 1 };
const cycle: Record<string, unknown> = { list: [1] };
cycle['self'] = cycle;
(cycle['list'] as unknown[]).push(cycle, cycle['list']);
const memory = new ArrayBuffer(16);
new Uint8Array(memory).set([1, 2, 3, 4, 5, 6, 7, 8]);

describe('as structured clone', () => {
  const samples: [string, unknown][] = [
    ['primitives', [undefined, null, true, false, 0, -0, NaN, Infinity, -Infinity, '']],
    [
      'integers',
      [1, -1, 127, 128, -128, -129, 2 ** 31 - 1, -(2 ** 31), 2 ** 31, 2 ** 53, 0.1, 5e-324, 1.7e308],
    ],
    ['bigints', [0n, 1n, -1n, 255n, 256n, 2n ** 64n, -(2n ** 64n), 2n ** 4000n, -(3n ** 999n)]],
    [
      'strings',
      ['abc', 'é', 'ÿ', 'Ā', 'żółć', '😀', '\ud800', 'a\udfff', '\0', 'é'.repeat(23), 'x'.repeat(24)],
    ],
    [
      'long strings',
      ['x'.repeat(25), 'ÿ'.repeat(300), 'ż'.repeat(300), '\ud800'.repeat(99), 'y'.repeat(100_000)],
    ],
    ['dates', [new Date(0), new Date(-1), new Date(NaN)]],
    ['regular expressions', [/a\/b/giu, /(?:)/, new RegExp('\n')]],
    ['a regular expression in use', Object.assign(/a/g, { lastIndex: 3 })],
    [
      'maps',
      new Map<unknown, unknown>([
        [NaN, 1],
        [{ a: 1 }, new Map()],
        ['k', undefined],
      ]),
    ],
    ['sets', new Set<unknown>([1, 'a', {}, new Set([1])])],
    ['boxed', [Object(1), Object(-0), Object('s'), Object(false), Object(9n)]],
    [
      'typed arrays',
      [
        Int8Array.of(-1),
        Uint8Array.of(255),
        Uint8ClampedArray.of(300),
        Int16Array.of(-2),
        Uint16Array.of(9),
        Int32Array.of(-3),
        Uint32Array.of(2 ** 32 - 1),
        Float32Array.of(1.5),
        Float64Array.of(NaN, -0),
        BigInt64Array.of(-1n),
        BigUint64Array.of(2n ** 64n - 1n),
        new Uint8Array(),
      ],
    ],
    ['views of one buffer', [new DataView(memory, 2, 5), new Uint16Array(memory, 4, 2), memory]],
    [
      'holes',
      [array(3, (a) => (a[1] = 1)), array(5, () => {}), array(3, (a) => (a[0] = undefined)), [1, , 2, , ,]],
    ],
    ['a huge sparse array', array(2 ** 32 - 1, (a) => (a[1e9] = a[7] = 'x'))],
    ['properties of arrays', Object.assign([1, 2], { x: 1, '-1': 2, '1.5': 3, '01': 4 })],
    ['properties and holes', Object.assign([1, , 3], { '1.5': 3, x: 1 })],
    ['properties of a large array', Object.assign(new Array(500).fill(0), { x: 1 })],
    ['a large array', Array.from({ length: 500 }, (_, i) => i)],
    ['a match', /b(?<x>.)/.exec('abc')],
    ['unusual keys', JSON.parse('{"__proto__":{"a":1},"constructor":1,"toString":2,"":3,"1":4,"żółć":5}')],
    ['a long key', { ['k'.repeat(300)]: 1 }],
    ['no prototype', Object.assign(Object.create(null) as object, { a: 1 })],
    [
      'class instances',
      [
        new (class A {
          x = 1;
          #y = 2;
          get z() {
            return this.#y;
          }
        })(),
      ],
    ],
    ['hidden and symbol properties', Object.defineProperty({ [Symbol('s')]: 1, b: 1 }, 'h', { value: 1 })],
    ['inherited properties', Object.create({ a: 1 })],
    ['a cycle', cycle],
    [
      'shared objects',
      { a: shared, b: [shared, shared], m: new Map([[shared, shared]]), s: new Set([shared]) },
    ],
    [
      'a date and an error shared',
      (() => {
        const d = new Date(5);
        return [d, d];
      })(),
    ],
    [
      'many objects, each twice',
      (() => {
        const o = Array.from({ length: 50 }, (_, i) => ({ i }));
        return [o, [...o].reverse()];
      })(),
    ],
  ];

  test.each(samples)('%s', (_name, value) => expectAsCloned(value));

  test('the samples can tell', () => {
    for (const [i, [, a]] of samples.entries()) {
      for (const [j, [, b]] of samples.entries()) expect([i, j, alike(a, b)]).toEqual([i, j, i === j]);
    }
  });

  const anything = fc.anything({
    withBigInt: true,
    withBoxedValues: true,
    withDate: true,
    withMap: true,
    withSet: true,
    withNullPrototype: true,
    withObjectString: true,
    withSparseArray: true,
    withTypedArray: true,
    withUnicodeString: true,
  });

  test('anything', () => {
    fc.assert(
      fc.property(anything, (value) => expectAsCloned(value)),
      { numRuns: 500 },
    );
  });

  test('any strings, lone surrogates included', () => {
    const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 });
    fc.assert(fc.property(units, (codes) => expectAsCloned(String.fromCharCode(...codes))));
  });

  test('any graph', () => {
    const links = fc.array(fc.tuple(fc.nat(29), fc.nat(29)), { maxLength: 60 });
    fc.assert(
      fc.property(links, (pairs) => {
        const nodes = Array.from({ length: 30 }, (_, id) => ({ id, to: [] as unknown[], map: new Map() }));
        for (const [from, to] of pairs) {
          nodes[from]?.to.push(nodes[to]);
          nodes[from]?.map.set(nodes[to], nodes[from]?.to);
        }
        expectAsCloned(nodes);
      }),
    );
  });

  test('a resizable buffer', () => {
    const Resizable = ArrayBuffer as unknown as new (length: number, options: object) => ArrayBuffer;
    const back = roundTrip(new Resizable(3, { maxByteLength: 9 }));
    expect(back).toMatchObject({ byteLength: 3, resizable: true, maxByteLength: 9 });
  });

  const Float16 = (globalThis as { Float16Array?: { of(n: number): Uint8Array } }).Float16Array;
  (Float16 ? test : test.skip)('Float16Array', () => expectAsCloned(Float16?.of(1.5)));
});

test('a Buffer stays a Buffer, and brings no other bytes of the pool', () => {
  const bytes = encode(Buffer.from('abc'));
  expect(bytes.length).toBeLessThan(20);
  expect(roundTrip(Buffer.from('abc'))).toEqual(Buffer.from('abc'));
  expect(Buffer.isBuffer(roundTrip({ b: Buffer.alloc(0) }).b)).toBe(true);
});

test('views of one buffer share it again', () => {
  const [a, b] = roundTrip([new Uint8Array(memory), new Uint8Array(memory)]);
  expect(a?.buffer).toBe(b?.buffer);
  expect(a?.buffer).not.toBe(memory);
});

test('what a subclass says of itself does not matter', () => {
  class Bytes extends Uint8Array {
    override get [Symbol.toStringTag](): never {
      return 'Bytes' as never;
    }
  }
  expect(kind(roundTrip(Bytes.of(1, 2)))).toBe('[object Uint8Array]');
  const seven = Object.assign(new Number(7), { valueOf: () => 8 });
  expect(roundTrip(seven).valueOf()).toBe(7);
});

describe('getters', () => {
  test('are read once', () => {
    let reads = 0;
    const back = roundTrip({
      get a() {
        return ++reads;
      },
    });
    expect(back).toEqual({ a: 1 });
    expect(reads).toBe(1);
  });

  test('that throw are named, with what they threw', () => {
    const boom = new Error('boom');
    const error = failure(() =>
      encode({
        list: [
          {
            get bad(): never {
              throw boom;
            },
          },
        ],
      }),
    );
    expect(error.path).toBe('value.list[0].bad');
    expect(error.message).toContain('boom');
    expect(error.cause).toBe(boom);
  });

  test('that send another value cannot mix the two', () => {
    const error = failure(() =>
      encode({
        get a() {
          return encode('other');
        },
      }),
    );
    expect(error.path).toBe('value.a');
    expect(roundTrip('after')).toBe('after');
  });

  test('that change what is being written do no harm', () => {
    const list: unknown[] = [
      {
        get a() {
          return (list.length = 1);
        },
      },
      2,
      ,
      4,
    ];
    expect(roundTrip(list)).toEqual(array(4, (a) => (a[0] = { a: 1 })));
    const map = new Map<string, unknown>();
    map
      .set('a', {
        get b() {
          map.clear();
          return 1;
        },
      })
      .set('c', 2);
    expect([...roundTrip(map)]).toEqual([
      ['a', { b: 1 }],
      ['c', 2],
    ]);
  });
});

describe('what cannot be sent is named by its path', () => {
  const proxy = (handler: ProxyHandler<object>): object => new Proxy({}, handler);
  const thrower = (): never => {
    throw new Error('trap');
  };
  const detached = new ArrayBuffer(4);
  structuredClone(detached, { transfer: [detached] });

  test.each<[string, unknown, RegExp]>([
    ['args', () => 1, /^args is a function/],
    ['args[0].callback', [{ callback: function send() {} }], /is a function \(send\)/],
    ['args["a b"][2]', { 'a b': [0, 0, Symbol('s')] }, /is a symbol/],
    ['args[""]', { '': Symbol('s') }, /is a symbol/],
    ['args.x', Object.assign([1], { x: () => 1 }), /is a function/],
    ['args[2]', [1, , () => 1], /is a function/],
    [
      'args<entry 1>',
      new Map([
        ['a', 1],
        ['b', parseInt],
      ] as never),
      /is a function/,
    ],
    ['args<entry 0>.f', new Set([{ f: parseInt }]), /is a function/],
    ['args.p', { p: Promise.resolve() }, /is a Promise/],
    ['args.w', { w: new WeakMap() }, /is a WeakMap/],
    ['args.w', { w: new WeakSet() }, /is a WeakSet/],
    ['args.w', { w: new WeakRef({}) }, /is a WeakRef/],
    ['args.g', { g: (function* () {})() }, /is a Generator/],
    ['args.i', { i: new Map().keys() }, /is a Map Iterator/],
    ['args.s', { s: new SharedArrayBuffer(1) }, /shared memory.*send a copy/],
    ['args.s', { s: new Uint8Array(new SharedArrayBuffer(1)) }, /shared memory/],
    ['args.s', { s: Buffer.from(new SharedArrayBuffer(1)) }, /shared memory/],
    ['args.d', { d: detached }, /could not be read.*detached/],
    ['args.f', { f: new Proxy(parseInt, {}) }, /is a function/],
    ['args.m', { m: new Proxy(new Map(), {}) }, /is a Proxy/],
    ['args.k', { k: proxy({ ownKeys: thrower }) }, /could not be read: trap/],
    ['args.k', { k: proxy({ getPrototypeOf: thrower }) }, /could not be read: trap/],
    ['args.o', { o: Object(Symbol('s')) }, /is a symbol/],
    [
      'args.h',
      { h: { [HANDLE]: () => 1 } },
      /queues, connections, locks and shared data can be part of arguments/,
    ],
  ])('%s', (path, value, message) => {
    const error = failure(() => encode(value, 'args'));
    expect(error.path).toBe(path);
    expect(error.message).toMatch(message);
    expect(error.message).toContain(path);
    expect(error.code).toBe('ERR_FORKFUL_SERIALIZATION');
  });

  test('and nothing of it was written', () => {
    writer.reset().u8(1);
    failure(() => writer.value([1, 2, () => 3]));
    expect(writer.length).toBe(1);
    expect(decode(encode([shared, shared]))).toEqual([{ n: 1 }, { n: 1 }]);
  });
});

describe('depth', () => {
  const shapes: [string, (inner: unknown) => unknown][] = [
    ['object', (o) => ({ o })],
    ['array', (o) => [o]],
    ['map', (o) => new Map([[1, o]])],
    ['set', (o) => new Set([o])],
  ];
  const nest = (wrap: (inner: unknown) => unknown, depth: number): unknown => {
    let value: unknown = 'core';
    for (let i = 0; i < depth; i++) value = wrap(value);
    return value;
  };

  test.each(shapes)('%s: 900 levels pass, 20,000 are a SerializationError', (_name, wrap) => {
    const bytes = encode(nest(wrap, 900));
    expect(encode(decode(bytes)).equals(bytes)).toBe(true);
    const error = failure(() => encode(nest(wrap, 20_000)));
    expect(error.message).toMatch(/nested/);
    expect(error.message.length).toBeLessThan(500);
  });

  test('where little of the stack is left, too', () => {
    const value = nest((o) => [o], 900);
    const bytes = encode(value);
    const outcomes = new Set<string>();
    let frames = 0; // from the end of the stack
    const descend = (act: () => void): void => {
      try {
        descend(act);
      } catch (error) {
        if (!(error instanceof RangeError)) throw error;
        frames = 0;
      }
      // Nearer to the end, under jest, not even an empty function can be called.
      if (++frames % 50 === 0 && frames >= 600 && frames <= 8000) act();
    };
    const note = (act: () => unknown) => (): void => {
      try {
        act();
        outcomes.add('done');
      } catch (error) {
        outcomes.add((error as Error).name);
      }
    };
    descend(note(() => new Writer().value(value)));
    descend(note(() => new Reader().reset(bytes, 0, bytes.length).value()));
    expect([...outcomes].sort()).toEqual(['SerializationError', 'done']);
    expect(roundTrip([1])).toEqual([1]);
  });

  test('a long chain of causes is cut, not refused', () => {
    let error = new Error('last');
    for (let i = 0; i < 5000; i++) error = new Error(String(i), { cause: error });
    let length = 0;
    for (let e: unknown = roundTrip(error); e instanceof Error; e = e.cause) length++;
    expect(length).toBeGreaterThan(500);
  });
});

describe('errors', () => {
  test.each([Error, TypeError, RangeError, SyntaxError, ReferenceError, EvalError, URIError])(
    '%p',
    (Class) => {
      const cause = new RangeError('why');
      const error = Object.assign(new Class('what', { cause }), { code: 'E_X', extra: { deep: [1] } });
      const back = roundTrip(error);
      expect(back).toBeInstanceOf(Class);
      expect(Object.getPrototypeOf(back)).toBe(Class.prototype);
      expect(back).toMatchObject({ name: Class.name, message: 'what', code: 'E_X', extra: { deep: [1] } });
      expect(back.stack).toBe(error.stack);
      expect(back.cause).toBeInstanceOf(RangeError);
      expect(Object.keys(back)).toEqual(['code', 'extra']);
    },
  );

  test('of another realm', () => {
    const outer = structuredClone(new TypeError('outer'));
    expect(roundTrip(outer)).toBeInstanceOf(TypeError);
  });

  test('AggregateError', () => {
    const back = roundTrip(new AggregateError([new TypeError('a'), 'b'], 'both'));
    expect(back).toBeInstanceOf(AggregateError);
    expect(back.errors[0]).toBeInstanceOf(TypeError);
    expect(back.errors[1]).toBe('b');
    expect(Object.keys(back)).toEqual([]);
  });

  test('DOMException', () => {
    const back = roundTrip({ reason: new DOMException('stop', 'AbortError') }).reason;
    expect(back).toBeInstanceOf(DOMException);
    expect(back).toMatchObject({ name: 'AbortError', message: 'stop', code: 20 });
  });

  test('of this library', () => {
    const error = new errors.WorkerLostError('gone', { pid: 3, exitCode: -9, signal: 'SIGKILL', task: 't' });
    const back = roundTrip(error);
    expect(back).toBeInstanceOf(errors.WorkerLostError);
    expect(back).toBeInstanceOf(errors.ProcessExitError);
    expect(back).toMatchObject({ ...error, name: 'WorkerLostError', message: 'gone' });
    for (const Class of Object.values(errors)) {
      const one = roundTrip(new Class('m'));
      expect(Object.getPrototypeOf(one)).toBe(Class.prototype);
      expect(one.name).toBe(Class.name);
    }
  });

  test('of an unknown class arrive as RemoteError with their own name', () => {
    class HttpError extends Error {
      override name = 'HttpError';
      code = 'E_HTTP';
      status = 404;
    }
    const back = roundTrip(new HttpError('no')) as Error;
    expect(back).toBeInstanceOf(errors.RemoteError);
    expect(back).toMatchObject({ name: 'HttpError', message: 'no', code: 'E_HTTP', status: 404 });
    class Unnamed extends Error {}
    expect(roundTrip(new Unnamed('x'))).toMatchObject({ name: 'Error', code: 'ERR_FORKFUL_REMOTE' });
  });

  test('a user class with the name of ours is not ours', () => {
    class TimeoutError extends Error {}
    const back = roundTrip(new TimeoutError('mine'));
    expect(back).toBeInstanceOf(errors.RemoteError);
    expect(back).not.toBeInstanceOf(errors.TimeoutError);
  });

  test('of a registered class keep it', () => {
    class DiskError extends Error {
      constructor(readonly disk: string) {
        super(`disk ${disk}`);
      }
    }
    registerClass(DiskError);
    const back = roundTrip(new DiskError('sda'));
    expect(back).toBeInstanceOf(DiskError);
    expect(back).toMatchObject({ disk: 'sda', message: 'disk sda' });
  });

  test('what of an error cannot be sent is left out', () => {
    const error = Object.assign(new Error('kept', { cause: () => 1 }), {
      ok: 1,
      fn: () => 1,
      deep: { first: shared, then: Symbol('s') },
      trap: new Proxy(
        {},
        {
          ownKeys: () => {
            throw new Error('trap');
          },
        },
      ),
      after: shared,
      self: undefined as unknown,
    });
    error.self = error;
    Object.defineProperty(error, 'getter', {
      enumerable: true,
      get() {
        throw new Error('no');
      },
    });
    const [back, again] = roundTrip([error, shared]) as [typeof error, typeof shared];
    expect(back.message).toBe('kept');
    expect(Object.keys(back).sort()).toEqual(['after', 'getter', 'ok', 'self']);
    expect(back.after).toBe(again);
    expect(back.self).toBe(back);
  });

  test('that are hostile to their reader', () => {
    const error = new Error('x');
    for (const key of ['stack', 'name', 'message', 'constructor', 'toString']) {
      Object.defineProperty(error, key, {
        get() {
          throw new Error('no');
        },
      });
    }
    expect(roundTrip(error)).toBeInstanceOf(Error);
  });

  test('an enumerable `errors` stays enumerable', () => {
    expect(Object.keys(roundTrip(Object.assign(new Error('x'), { errors: [1] })))).toEqual(['errors']);
  });
});

describe('registerClass', () => {
  class Point {
    static made = 0;
    constructor(
      public x: number,
      public y: number,
    ) {
      Point.made++;
    }
    get sum(): number {
      return this.x + this.y;
    }
  }
  registerClass(Point);

  test('instances arrive as instances, without their constructor', () => {
    const point = new Point(1, 2);
    const made = Point.made;
    const [back, same] = roundTrip([point, point]);
    expect(back).toBeInstanceOf(Point);
    expect(back?.sum).toBe(3);
    expect(back).toBe(same);
    expect(Point.made).toBe(made);
  });

  test('setters are not run', () => {
    class Guarded {
      set x(_value: number) {
        throw new Error('ran');
      }
    }
    registerClass(Guarded);
    const value = Object.defineProperty(new Guarded(), 'x', { value: 1, enumerable: true });
    expect(Object.getOwnPropertyDescriptor(roundTrip(value), 'x')?.value).toBe(1);
  });

  test('a class that is not known here gives a plain object', () => {
    const bytes = encode(new Point(1, 2));
    bytes.write('Poinx', bytes.indexOf('Point'), 'latin1');
    const back = decode(bytes) as object;
    expect(back).toEqual({ x: 1, y: 2 });
    expect(Object.getPrototypeOf(back)).toBe(Object.prototype);
  });

  test('names must be there, and unique', () => {
    registerClass(Point);
    expect(() => registerClass(class Point {})).toThrow(errors.InvalidArgumentError);
    expect(() => registerClass(class {})).toThrow(/with a name/);
    expect(() => registerClass({} as never)).toThrow(/expects a class, got object/);
    expect(() => registerClass((() => 1) as never, { name: 'arrow' })).toThrow(errors.InvalidArgumentError);
    registerClass(class Point {}, { name: 'OtherPoint' });
  });
});

describe('handles', () => {
  class Owner {
    [HANDLE](): void {}
  }

  test('go to the sink and come from the source, once each', () => {
    const owners: object[] = [];
    const sink = { add: (owner: object) => owners.push(owner) - 1 };
    const [first, second] = [new Owner(), new Owner()];
    const bytes = encode({ a: first, b: [second, first] }, 'args', sink);
    expect(owners).toEqual([first, second]);
    const source = { take: (index: number) => owners[index] };
    const back = reader.reset(bytes, 0, bytes.length).value(source) as { a: unknown; b: unknown[] };
    expect(back.a).toBe(first);
    expect(back.b).toEqual([second, first]);
    failure(() => decode(bytes));
  });

  test('what the owner throws is thrown', () => {
    const sink = {
      add: (): never => {
        throw new errors.ClosedError('closed');
      },
    };
    expect(() => encode([new Owner()], 'args', sink)).toThrow(errors.ClosedError);
    expect(roundTrip(1)).toBe(1);
  });
});

test('raw fields and several values in one message', () => {
  writer
    .reset()
    .u8(255)
    .u32(2 ** 32 - 1)
    .f64(-0)
    .text('żółć')
    .value({ a: 1 })
    .u8(7)
    .value([shared])
    .text('');
  reader.reset(Buffer.from(writer.buffer.subarray(0, writer.length)), 0, writer.length);
  expect([reader.u8(), reader.u32(), reader.f64(), reader.text(), reader.value(), reader.u8()]).toEqual([
    255,
    2 ** 32 - 1,
    -0,
    'żółć',
    { a: 1 },
    7,
  ]);
  expect(reader.value()).toEqual([shared]);
  expect(reader.text()).toBe('');
  expect(reader.offset).toBe(writer.length);
});

test('a message in the middle of a buffer ends where it ends', () => {
  const bytes = encode('abcdef');
  const padded = Buffer.concat([Buffer.alloc(3, 1), bytes, Buffer.from('more')]);
  expect(reader.reset(padded, 3, 3 + bytes.length).value()).toBe('abcdef');
  failure(() => reader.reset(padded, 3, 2 + bytes.length).value());
  failure(() => reader.reset(bytes.subarray(0, -1), 0, bytes.length).value());
});

describe('hostile bytes give a value or a SerializationError', () => {
  const survive = (bytes: Buffer): void => {
    try {
      decode(bytes);
    } catch (error) {
      expect(error).toBeInstanceOf(SerializationError);
    }
  };
  const rich = encode({
    list: [1, 2.5, 'text', , 'żółć', 3n, null, Object.assign([1], { x: 1 })],
    map: new Map([[{}, new Set([1])]]),
    views: [new Float64Array(3), new DataView(memory), Buffer.from('abc')],
    error: Object.assign(new TypeError('t', { cause: new DOMException('d', 'AbortError') }), { code: 'E' }),
    date: new Date(0),
    regexp: /x/g,
    boxed: Object('s'),
    same: [shared, shared],
  });

  test('random ones', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 80 }), (bytes) => survive(Buffer.from(bytes))),
      { numRuns: 5000 },
    );
  });

  test('any beginning of a message', () => {
    for (let end = 0; end < rich.length; end++) failure(() => decode(rich.subarray(0, end)));
  });

  test('changed ones', () => {
    const changes = fc.array(fc.tuple(fc.nat(rich.length - 1), fc.nat(255)), { minLength: 1, maxLength: 4 });
    fc.assert(
      fc.property(changes, (list) => {
        const bytes = Buffer.from(rich);
        for (const [at, byte] of list) bytes[at] = byte;
        survive(bytes);
      }),
      { numRuns: 5000 },
    );
  });

  test('lies about lengths build nothing large', () => {
    const before = process.memoryUsage().rss;
    for (let tag = 0; tag < 40; tag++) {
      for (const length of [0x7fffffff, 0xffffffff, 2 ** 30]) {
        const bytes = new Writer().u8(tag).u32(length).u32(length).u32(length).u32(length);
        survive(Buffer.from(bytes.buffer.subarray(0, bytes.length)));
      }
    }
    expect(process.memoryUsage().rss - before).toBeLessThan(200 << 20);
  });

  // Found by fuzzing: 30 bytes that made 140 MB.
  test('many holes take no memory', () => {
    const before = process.memoryUsage().heapUsed;
    // Elements far apart from the start: so V8 makes these small, too.
    const sparse = (elements: Record<number, number>): number[] => {
      const made = Object.assign<number[], object>([], elements);
      made.length = 30_000_000;
      return made;
    };
    const none = sparse({ 20_000_000: 1 });
    delete none[20_000_000];
    const bytes = encode([Array.from({ length: 40 }, () => sparse({ 20_000_000: 1 })), none]);
    expect(bytes.length).toBeLessThan(2000);
    const [first, last] = decode(bytes) as [number[][], unknown[]];
    expect(first.every((each) => each.length === 30_000_000 && Object.keys(each).join() === '20000000')).toBe(
      true,
    );
    expect([last.length, Object.keys(last)]).toEqual([30_000_000, []]);
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(100 << 20);
  });

  test('too deep a nesting', () => {
    const one = encode([0]);
    const opening = one.subarray(0, one.length - 2);
    survive(Buffer.concat(new Array<Buffer>(50_000).fill(opening)));
    failure(() => decode(Buffer.concat(new Array<Buffer>(50_000).fill(opening))));
  });
});

describe('a large Buffer that is left apart', () => {
  const large = Buffer.alloc(100_000, 'large');

  function encodeApart(value: unknown): { bytes: Buffer; apart: Buffer | undefined } {
    writer.reset().mayLeaveApart().value(value);
    return { bytes: Buffer.from(writer.buffer.subarray(0, writer.length)), apart: writer.apart };
  }

  test('is the first one; it comes back as what the reader is given', () => {
    const value = [large, Buffer.from('small'), large, Buffer.from(large)];
    const { bytes, apart } = encodeApart(value);
    expect(apart).toBe(large);
    const given = Buffer.from(large);
    const back = reader.reset(bytes, 0, bytes.length, given).value() as Buffer[];
    expect(back).toEqual(value);
    expect(back[0]).toBe(given);
    expect(back[2]).toBe(given);
  });

  test('only where that is allowed, and only of what was written', () => {
    expect(encode(large).length).toBeGreaterThan(large.length);
    expect(writer.apart).toBeUndefined();
    const error = Object.assign(new Error('e'), { dropped: [large, () => 1] });
    expect(encodeApart(error).apart).toBeUndefined();
    expect(() => encodeApart([large, () => 1])).toThrow(SerializationError);
    expect(writer.apart).toBeUndefined();
  });

  test('is refused if it did not come, is another one, or is asked for twice', () => {
    const { bytes } = encodeApart(large);
    expect(() => reader.reset(bytes, 0, bytes.length).value()).toThrow(SerializationError);
    const other = Buffer.alloc(large.length - 1);
    expect(() => reader.reset(bytes, 0, bytes.length, other).value()).toThrow(SerializationError);
    const twice = Buffer.concat([Buffer.from([10, 2, 0, 0, 0]), bytes, bytes]);
    expect(() => reader.reset(twice, 0, twice.length, large).value()).toThrow(SerializationError);
  });
});
