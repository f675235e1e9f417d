// Hostile bytes for the codec, until the time is up: `node test/fuzz/codec.mjs SECONDS SEED LAST`. Bytes give a value or a
// SerializationError; a value that came of them can be sent again, if it can be sent at all, and arrives. What is being
// read lies in the file LAST, for the case that nothing else is left of it.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';

const require = createRequire(import.meta.url);
const { Reader, Writer } = require('../../dist/serializer');
const { ForkfulError, SerializationError } = require('../../dist/errors');

const [seconds, seed, last] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];
const MOST_BYTES = 4096;
const SLOW_MS = 2000;
const KEPT = 512;
const LEAST_KEPT = 12;
// Written down in groups: a file for each would be most of the work.
const GROUP = 64;

/** Numbers that are the same for the same seed: xorshift32. */
let state = seed | 0 || 1;
function below(bound) {
  state ^= state << 13;
  state ^= state >>> 17;
  state ^= state << 5;
  return (state >>> 0) % bound;
}
const oneOf = (list) => list[below(list.length)];

const shared = { n: 1 };
const cycle = {};
cycle.self = cycle;
const memory = new ArrayBuffer(16);
const SAMPLES = [
  [1, -1, 2.5, NaN, -0, 2 ** 40, true, false, null, undefined, 3n, -(2n ** 70n)],
  ['', 'text', 'żółć', '\ud800', 'x'.repeat(300)],
  {
    a: 1,
    list: [1, 2, 3],
    values: [
      { id: 1, name: 'a' },
      { id: 2, name: 'b' },
    ],
  },
  [1, , 3, Object.assign([1], { x: 1 })],
  new Map([[{}, new Set([1, 'a', shared])]]),
  [new Uint8Array(memory, 4), new DataView(memory), memory, Buffer.from('abc'), new Float64Array(3)],
  Object.assign(new TypeError('t', { cause: new RangeError('r') }), { code: 'E', extra: [1] }),
  new AggregateError([new Error('a'), 1], 'all'),
  [new Date(0), /x/giu, Object('s'), Object(1n), Object(true)],
  [shared, shared, cycle],
  JSON.parse('{"__proto__": {"x": 1}, "constructor": 2}'),
];

const writer = new Writer();
const reader = new Reader();
const encode = (value) => {
  writer.reset().value(value);
  return Buffer.from(writer.buffer.subarray(0, writer.length));
};
const decode = (bytes) => reader.reset(bytes, 0, bytes.length).value();

const LENGTHS = [0, 1, 0x7f, 0x80, 0xff, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff];
const changes = [
  (bytes, at) => ((bytes[at] = below(256)), bytes),
  (bytes, at) => ((bytes[at] ^= 1 << below(8)), bytes),
  (bytes, at) => ((bytes[at] = below(48)), bytes), // a tag
  (bytes, at) => (at + 4 <= bytes.length && bytes.writeUInt32LE(oneOf(LENGTHS), at), bytes),
  (bytes, at) => Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(8))]),
  (bytes, at) => Buffer.concat([bytes.subarray(0, at), oneOf(kept), bytes.subarray(at)]),
  (bytes, at) => Buffer.concat([bytes.subarray(0, at), oneOf(kept).subarray(below(40))]),
  (bytes, at) => {
    const piece = bytes.subarray(at, at + 1 + below(12));
    return Buffer.concat([bytes.subarray(0, at), ...new Array(1 + below(6)).fill(piece), bytes.subarray(at)]);
  },
];

const samples = SAMPLES.map(encode);
const kept = [...samples];
function next() {
  let bytes = Buffer.from(below(2) === 0 ? samples[below(samples.length)] : oneOf(kept));
  for (let n = 1 + below(4); n > 0 && bytes.length > 0; n--)
    bytes = oneOf(changes)(bytes, below(bytes.length));
  return bytes.subarray(0, MOST_BYTES);
}

/** How many of the bytes are a value; 0: they are none. */
function read(bytes) {
  const before = Buffer.from(bytes);
  let value;
  try {
    value = decode(bytes);
  } catch (error) {
    if (!(error instanceof SerializationError)) throw error;
    return 0;
  }
  const length = reader.offset;
  if (!bytes.equals(before)) throw new Error('reading has changed the bytes');
  let again;
  try {
    again = encode(value);
  } catch (error) {
    if (!(error instanceof ForkfulError)) throw error;
    return length;
  }
  decode(again);
  return length;
}

mkdirSync(dirname(last), { recursive: true });
const end = performance.now() + seconds * 1000;
let [runs, values] = [0, 0];
while (performance.now() < end) {
  const group = Array.from({ length: GROUP }, next);
  writeFileSync(last, group.map((bytes) => bytes.toString('hex')).join('\n'));
  for (const bytes of group) {
    const started = performance.now();
    let length;
    try {
      length = read(bytes);
    } catch (error) {
      console.error(`codec: these bytes were answered by ${error?.stack ?? error}\n${bytes.toString('hex')}`);
      process.exit(1);
    }
    if (performance.now() - started > SLOW_MS) {
      console.error(`codec: these bytes took more than ${SLOW_MS} ms\n${bytes.toString('hex')}`);
      process.exit(1);
    }
    runs++;
    if (length === 0) continue;
    values++;
    // What is a value leads to others, if it is not one of the many that are next to nothing.
    if (length < LEAST_KEPT || below(8) !== 0) continue;
    const value = bytes.subarray(0, length);
    if (kept.length < KEPT) kept.push(value);
    else kept[below(KEPT)] = value;
  }
}
rmSync(last, { force: true });
console.log(`ok codec: ${runs} inputs, ${values} of them a value, the others refused (seed ${seed})`);
