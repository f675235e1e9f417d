import { readFileSync } from 'node:fs';
import { attemptsOf } from '../fixtures/pool-tasks.js';
import { busy, identity, add } from '../fixtures/tasks.js';
import { describeEach } from './methods';
import { notesOfEachTest, poolsOf, range } from './pools';

const BYTES = 300_000;
const filled = (seed: number): Buffer => Buffer.alloc(BYTES, `${seed} and more`);
/** Element by element, as jest compares them, takes seconds. */
const isSame = (a: Buffer, b: Buffer): boolean => Buffer.isBuffer(a) && a.equals(b);
const there = identity as (value: unknown) => unknown;

describeEach('Pool: large Buffers', ({ context }) => {
  const pool = poolsOf(context);
  const notes = notesOfEachTest();

  test('go and come as they are, whatever is beside them, and belong to who has them', async () => {
    const p = pool();
    const value = {
      first: filled(1),
      second: filled(2),
      small: Buffer.from('small'),
      again: null as unknown,
    };
    value.again = value.first;
    const back = (await p.apply(there, [value])) as typeof value;
    expect(isSame(back.first, value.first) && isSame(back.second, value.second)).toBe(true);
    expect(back.again).toBe(back.first);
    back.first.fill(0);
    expect(isSame(back.second, value.second) && isSame(back.small, value.small)).toBe(true);
    expect(isSame(value.first, filled(1))).toBe(true);
    const cause = Object.assign(new Error('with bytes'), { bytes: filled(3) });
    expect(isSame(((await p.apply(there, [cause])) as typeof cause).bytes, filled(3))).toBe(true);
  });

  test('are those of the moment of the call, also in tasks that wait and are given to another worker', async () => {
    const p = pool();
    await p.ready();
    const bytes = Buffer.alloc(BYTES);
    const results = [p.applyAsync(busy, [300])];
    const copies = range(20).map((i) => p.applyAsync(there, [bytes.fill(i)]));
    bytes.fill(0xff);
    for (const [i, copy] of copies.entries()) {
      const got = (await copy) as Buffer;
      expect(got.length).toBe(BYTES);
      expect(got.every((byte) => byte === i)).toBe(true);
    }
    await Promise.all(results);
  });

  test('come again with a task that is run again', async () => {
    const p = pool(1);
    const result = (await p.apply(attemptsOf, [notes.file, filled(4), 2], { retries: 1 })) as Buffer;
    expect(isSame(result, filled(4))).toBe(true);
    expect(readFileSync(notes.file, 'utf8')).toBe('1\n2\n');
  });

  test('pass beside queues, in the same task', async () => {
    const p = pool();
    const queue = new context.Queue<number>();
    const back = (await p.apply(there, [{ queue, bytes: filled(5) }])) as {
      queue: typeof queue;
      bytes: Buffer;
    };
    await queue.put(7);
    expect(await back.queue.get()).toBe(7);
    expect(isSame(back.bytes, filled(5))).toBe(true);
    expect(await p.apply(add, [1, 2])).toBe(3);
    back.queue.close();
    queue.close();
  });
});
