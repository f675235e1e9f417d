'use strict';
// What scripts/emulate.mjs runs under an emulator of another CPU. That has no robust futexes, for which the library would leave
// the addon alone: here it is used all the same, and nobody is killed.
const assert = require('node:assert/strict');
const { join } = require('node:path');

const dist = join(process.argv[2], 'dist');
const { addon } = require(join(dist, 'backend/native/addon.js'));
addon.probe = () => '';
process.execPath = process.argv[3]; // the system itself cannot run the program that this is
const F = require(join(dist, 'index.js'));

const values = [
  undefined,
  null,
  -0,
  NaN,
  2n ** 70n,
  'text',
  'ü€😀',
  new Date(5),
  [1, , 3],
  { id: 1, name: 'n', values: [1.5, 2] },
  new Map([[1, new Set(['x'])]]),
  new Float64Array([1, 2, 3]),
  new RangeError('told'),
];

async function queues() {
  for (const queue of [new F.Queue(), new F.JoinableQueue(), new F.SimpleQueue()]) {
    for (const value of values) {
      queue.putSync(value);
      assert.deepEqual(queue.getSync(), value);
      const coming = queue.get();
      await queue.put(value);
      assert.deepEqual(await coming, value);
    }
    for (const bytes of [0, 1, 4095, 65_536, (1 << 20) + 3, 20 << 20]) {
      const buffer = Buffer.alloc(bytes, 7);
      await queue.put(buffer);
      assert.ok(buffer.equals(await queue.get()));
    }
    queue.close();
  }
  const many = new F.Queue();
  await many.putMany(Array.from({ length: 20_000 }, (_, i) => i));
  for (let next = 0; next < 20_000;) for (const got of await many.getMany(500)) assert.equal(got, next++);
  many.close();
  const name = `emulated ${process.pid}`;
  const [first, second] = [new F.Queue({ name }), new F.Queue({ name })];
  first.putSync('by name');
  assert.equal(second.getSync(), 'by name');
  first.close();
  second.close();
}

async function pipes() {
  const [a, b] = F.Pipe();
  for (const value of values) {
    await a.send(value);
    assert.deepEqual(await b.recv(), value);
    b.sendSync(value);
    assert.deepEqual(a.recvSync(), value);
  }
  a.close();
  assert.throws(() => b.recvSync(), { code: 'ERR_FORKFUL_END_OF_FILE' });
  b.close();
}

async function synchronize() {
  const [lock, rlock, semaphore, event] = [new F.Lock(), new F.RLock(), new F.Semaphore(2), new F.Event()];
  assert.ok(lock.acquireSync());
  assert.equal(lock.acquireSync({ timeout: 10 }), false);
  const waiting = lock.acquire();
  lock.release();
  assert.ok(await waiting);
  lock.release();
  assert.ok(rlock.acquireSync() && rlock.acquireSync());
  assert.ok(semaphore.acquireSync() && semaphore.acquireSync() && !semaphore.acquireSync({ timeout: 0 }));
  const set = event.wait();
  event.set();
  assert.equal(await set, true);
  for (const each of [lock, semaphore, event]) each.close();
}

async function shared() {
  const array = new F.SharedArray('bigint64', 4);
  Atomics.add(array, 0, 5n);
  const value = new F.Value('int32', 1);
  value.update((x) => x + 1);
  const memory = new F.SharedMemory({ size: 100_000 });
  const bytes = new Uint8Array(memory.buffer).fill(3);
  const list = new F.ShareableList(['a', 1, null, 'ü']);
  assert.deepEqual([array[0], value.value, bytes[99_999], [...list]], [5n, 2, 3, ['a', 1, null, 'ü']]);
  for (const each of [array, value, memory, list]) each.close();
}

async function forks() {
  const { Process } = F.getContext('fork');
  const [queue, array, lock] = [new F.Queue(), new F.SharedArray('int32', 1), new F.Lock()];
  const secret = { closure: true };
  const children = Array.from(
    { length: 3 },
    (_, i) =>
      new Process({
        target: async () => {
          for (let j = 0; j < 200; j++) {
            lock.acquireSync();
            array[0]++;
            lock.release();
          }
          await queue.put({ i, secret, buffer: Buffer.alloc(300_000, i) });
          return process.arch;
        },
      }),
  );
  for (const child of children) await child.start();
  const got = await Promise.all(children.map(() => queue.get()));
  assert.deepEqual(got.map(({ i }) => i).sort(), [0, 1, 2]);
  for (const { i, secret: copy, buffer } of got) {
    assert.deepEqual(copy, secret);
    assert.ok(buffer.length === 300_000 && buffer.every((byte) => byte === i));
  }
  for (const child of children) {
    assert.equal(await child.result(), process.arch);
    await child.join();
    assert.equal(child.exitCode, 0);
  }
  assert.equal(array[0], 600);
}

async function main() {
  assert.equal(F.backend().name, 'native');
  for (const part of [queues, pipes, synchronize, shared, forks]) {
    await part();
    console.log(`${process.arch}: ${part.name} work`);
  }
}

void main();
