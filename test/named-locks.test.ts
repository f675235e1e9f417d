import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BoundedSemaphore, Lock, Queue, Semaphore, backend, getAllStartMethods } from 'forkful';
import { thrown, until } from './contract/methods';
import { directory, expectFlippedRefused, expectForeignRefused, isRoot, namesOf } from './named-files';
import { Programs, end, kill } from './programs';

const { fileOf, newName } = namesOf('lock');

const program = join(__dirname, 'fixtures', 'named-locks.cjs');
const programs = new Programs(program);
const start = (...args: string[]) => programs.start(...args);
const run = (...args: string[]) => programs.run(...args);

afterEach(() => programs.killAll());

if (backend().name !== 'native') {
  test('there are none without the addon', () => {
    for (const make of [() => new Lock({ name: newName() }), () => new Semaphore(1, { name: newName() })]) {
      const error = thrown(make);
      expect(error.code).toBe('ERR_FORKFUL_UNSUPPORTED');
      expect(error.message).toMatch(/named locks.*child_process/);
    }
  });
} else {
  describe('unrelated programs', () => {
    test.each(['async', 'sync'])('wait (%s) for each other’s release', async (sync) => {
      const name = newName();
      const lends = start('lends', name);
      expect(await lends.says()).toBe('held');
      const waits = start('waits', name, sync);
      expect(await waits.says()).toBe('waiting');
      const lock = new Lock({ name });
      expect(lock.locked()).toBe(true);
      expect(await lock.acquire({ timeout: 50 })).toBe(false);
      lends.child.stdin!.write('go\n');
      expect(await waits.says()).toBe('acquired');
      expect(await lock.acquire()).toBe(true);
      expect(lock.ownerDied).toBe(false);
      lock.close();
      expect(await end(waits)).toBe(0);
      expect(existsSync(fileOf(name))).toBe(false);
    });

    test('one of many that start at the same time does the work', async () => {
      const name = newName();
      const all = Array.from({ length: 8 }, () => start('cron', name));
      const said = await Promise.all(all.map((one) => one.says()));
      expect(said.filter((only) => only === true)).toHaveLength(1);
      await kill(all[said.indexOf(true)]!);
      expect(await start('cron', name).says()).toBe(true);
    });

    test.each([[[]], [['taskset', '-c', '0']]])('exclude each other %j', async (prefix) => {
      const folder = mkdtempSync(join(tmpdir(), 'forkful-locks-'));
      const file = join(folder, 'count');
      writeFileSync(file, '0');
      const name = newName();
      const keeper = new Lock({ name });
      const all = ['sync', 'async', 'sync', 'async'].map((sync) =>
        programs.startAs([...prefix, process.execPath, program, 'counts', name, sync, file, '200']),
      );
      for (const one of all) one.child.stdin!.write('go\n');
      for (const one of all) expect(await one.says()).toBe('done');
      expect(readFileSync(file, 'utf8')).toBe('800');
      keeper.close();
      rmSync(folder, { recursive: true });
    });

    test('count units together', async () => {
      const name = newName();
      const takes = start('takes', name, '2', '3');
      expect(await takes.says()).toBe(1);
      const semaphore = new Semaphore(undefined, { name });
      expect(semaphore.acquireSync({ timeout: 0 })).toBe(true);
      expect(semaphore.acquireSync({ timeout: 0 })).toBe(false);
      const waiting = semaphore.acquire();
      await kill(takes);
      expect(await waiting).toBe(true);
      expect(semaphore.ownerDied).toBe(true);
      expect(semaphore.value).toBe(1);
      semaphore.close();
      expect(existsSync(fileOf(name, 'semaphore'))).toBe(false);
    });
  });

  describe('whoever is killed', () => {
    test.each(['async', 'sync'])('frees what it held soon, and who waits (%s) can tell', async (sync) => {
      const name = newName();
      const holds = start('holds', name);
      expect(await holds.says()).toBe('held');
      const waits = start('waits', name, sync);
      expect(await waits.says()).toBe('waiting');
      const lock = new Lock({ name });
      await until(() => lock.locked());
      holds.child.kill('SIGKILL');
      await end(holds);
      expect(await waits.says()).toBe('after a death');
      expect(await lock.acquire()).toBe(true);
      lock.close();
    });

    test('within 100 ms', async () => {
      const delays: number[] = [];
      for (let round = 0; round < 5; round++) {
        const name = newName();
        const holds = start('holds', name);
        expect(await holds.says()).toBe('held');
        const lock = new Lock({ name });
        const waiting = lock.acquire();
        await kill(holds);
        const ended = performance.now();
        expect(await waiting).toBe(true);
        delays.push(performance.now() - ended);
        expect(lock.ownerDied).toBe(true);
        lock.close();
      }
      // The best of some: others use the machine, too.
      expect(Math.min(...delays)).toBeLessThan(100);
    });

    test.each([[[]], [['taskset', '-c', '0']]])(
      'at whatever moment, leaves a lock that can be had %j',
      async (prefix) => {
        const name = newName();
        const lock = new Lock({ name });
        const startOne = () =>
          programs.startAs([...prefix, process.execPath, program, 'acquiresForEver', name]);
        for (let round = 0; round < 8; round++) {
          const two = [startOne(), startOne()];
          for (const one of two) expect(await one.says()).toBe('at it');
          for (let i = 0; i < 50; i++) {
            expect(await lock.acquire({ timeout: 20_000 })).toBe(true);
            lock.release();
            if (i === round) await kill(two[0]!);
          }
          await kill(two[1]!);
          expect(lock.acquireSync({ timeout: 20_000 })).toBe(true);
          expect(lock.locked()).toBe(true);
          lock.release();
          expect(lock.locked()).toBe(false);
        }
        lock.close();
      },
    );

    test('leaves nothing that another program could find, and nothing at all after the next start', async () => {
      const name = newName();
      const takes = start('takes', name, '2', '3');
      expect(await takes.says()).toBe(1);
      await kill(takes);
      expect(existsSync(fileOf(name, 'semaphore'))).toBe(true);
      expect(await run('value', name)).toBe(1); // a new one
      const again = start('takes', name, '2', '3');
      await again.says();
      await kill(again);
      expect(await run('value', newName())).toBe(1);
      expect(existsSync(fileOf(name, 'semaphore'))).toBe(false);
    });
  });

  describe('a name', () => {
    test('goes with its last user, who may be a child', async () => {
      const name = newName();
      const leaves = start('leavesToChild', name);
      expect(typeof (await leaves.says())).toBe('number');
      const lock = new Lock({ name });
      const waiting = lock.acquire();
      leaves.child.stdin!.write('go\n');
      expect(await waiting).toBe(true);
      expect(lock.ownerDied).toBe(true);
      expect(await end(leaves)).toBe(0);
      expect(existsSync(fileOf(name))).toBe(true);
      lock.close();
      expect(existsSync(fileOf(name))).toBe(false);
    });

    test.each(getAllStartMethods())(
      'stays when a child ends (%s) that was given the lock',
      async (method) => {
        const name = newName();
        const lends = start('lendsToChild', name, method);
        expect(await lends.says()).toBe(0);
        expect(existsSync(fileOf(name))).toBe(true);
        await kill(lends);
      },
    );

    test('goes with a program that ends without closing it', async () => {
      const name = newName();
      expect(await run('value', name)).toBe(1);
      expect(existsSync(fileOf(name, 'semaphore'))).toBe(false);
    });

    test('that must be new is refused when it is in use', () => {
      const name = newName();
      const lock = new Lock({ name, exclusive: true });
      const error = thrown(() => new Lock({ name, exclusive: true }));
      expect(error.code).toBe('ERR_FORKFUL_EXISTS');
      expect(error.message).toMatch(/a lock of that name is in use/);
      lock.close();
      new Lock({ name, exclusive: true }).close();
    });

    test('stands for one class and one value', () => {
      const name = newName();
      const semaphore = new BoundedSemaphore(3, { name });
      for (const wrong of [
        () => new BoundedSemaphore(4, { name }),
        () => new Semaphore(3, { name }),
        () => new Semaphore(undefined, { name }),
      ]) {
        const error = thrown(wrong);
        expect(error.code).toBe('ERR_FORKFUL_INVALID_ARGUMENT');
        expect(error.message).toContain('BoundedSemaphore of 3');
      }
      const same = new BoundedSemaphore(undefined, { name });
      same.acquireSync();
      semaphore.release();
      expect(thrown(() => semaphore.release()).code).toBe('ERR_FORKFUL_INVALID_STATE');
      for (const one of [semaphore, same]) one.close();
    });

    test('is another one for locks, semaphores and queues', () => {
      const name = newName();
      const lock = new Lock({ name });
      const semaphore = new Semaphore(2, { name });
      const queue = new Queue({ name });
      lock.acquireSync();
      expect([semaphore.value, queue.qsize()]).toEqual([2, 0]);
      for (const one of [lock, semaphore, queue]) one.close();
    });

    test.each(['', 'a/b', 'a\0b', 'x'.repeat(201), 7])('cannot be %j', (name) => {
      const make = () => new Lock({ name: name as string });
      expect(thrown(make).code).toBe('ERR_FORKFUL_INVALID_ARGUMENT');
    });
  });

  describe('files', () => {
    test('are their user’s alone', () => {
      const name = newName();
      const lock = new Lock({ name });
      expect(statSync(directory).mode & 0o7777).toBe(0o700);
      expect(statSync(fileOf(name)).mode & 0o7777).toBe(0o600);
      chmodSync(fileOf(name), 0o644);
      expect(thrown(() => new Lock({ name })).code).toBe('ERR_FORKFUL_UNSUPPORTED');
      lock.close();
      expect(existsSync(fileOf(name))).toBe(false);
    });

    (isRoot ? test : test.skip)('of another user are refused', () => {
      const name = newName();
      const lock = new Lock({ name });
      expectForeignRefused(fileOf(name), () => new Lock({ name }));
      lock.close();
    });

    test('of another layout, C library or pointer size are refused', () => {
      const name = newName();
      const lock = new Lock({ name });
      const descriptors = readdirSync('/proc/self/fd').length;
      // Where the header has them: magic, version, what it is, ABI (C library, mutex, pointer).
      const bits = [
        [0, 1],
        [8, 1],
        [12, 1],
        [32, 1],
        [32, 4],
        [34, 1],
      ] as const;
      expectFlippedRefused(fileOf(name), bits, () => new Lock({ name }));
      new Lock({ name }).close();
      expect(readdirSync('/proc/self/fd')).toHaveLength(descriptors);
      lock.close();
    });
  });

  test('waits go on, a little slower, when the user has no inotify instances left', async () => {
    const name = newName();
    const glutton = start('exhausts', name);
    expect(await glutton.says()).toBe('EMFILE');
    const lock = new Lock({ name });
    lock.acquireSync();
    const waits = start('waits', name);
    expect(await waits.says()).toBe('waiting');
    lock.release();
    expect(await waits.says()).toBe('acquired');
    expect(await end(waits)).toBe(0);
    await kill(glutton);
    lock.close();
  });

  afterAll(() => {
    const left = existsSync(directory) ? readdirSync(directory) : [];
    expect(left.filter((file) => file.includes(`-locks-${process.pid}-`))).toEqual([]);
  });
}
