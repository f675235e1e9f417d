import { spawn, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { JoinableQueue, Queue, backend, getAllStartMethods } from 'forkful';
import { thrown, until } from './contract/methods';
import { directory, expectFlippedRefused, expectForeignRefused, isRoot, namesOf } from './named-files';
import { Programs, end, kill } from './programs';

const program = join(__dirname, 'fixtures', 'named-queues.cjs');
const mountTrial = ['--mount', 'sh', '-c', 'mount -t tmpfs -o size=1m none /dev/shm'];
const mayMount =
  backend().name === 'native' && spawnSync('unshare', mountTrial, { timeout: 5_000 }).status === 0;
if (backend().name === 'native' && !mayMount) {
  console.warn(
    'left out: a named queue on a full file system (it takes the right to mount: root, unshare(1))',
  );
}
const { fileOf, newName } = namesOf('queue');

const programs = new Programs(program);
const start = (...args: string[]) => programs.start(...args);
const run = (...args: string[]) => programs.run(...args);

afterEach(() => programs.killAll());

if (backend().name !== 'native') {
  test('there are none without the addon', () => {
    expect(thrown(() => new Queue({ name: newName() })).code).toBe('ERR_FORKFUL_UNSUPPORTED');
  });
} else {
  describe('unrelated programs', () => {
    test.each([
      ['async', 'async'],
      ['async', 'sync'],
      ['sync', 'async'],
      ['sync', 'sync'],
    ])('ask (%s) and answer (%s)', async (asking, answering) => {
      const name = newName();
      const answers = start('answers', name, answering);
      expect(await answers.says()).toBe('ready');
      expect(await run('asks', name, asking, '500')).toBe((500 * 501) / 2);
      expect(await end(answers)).toBe(0);
      expect(existsSync(fileOf(name))).toBe(false);
    });

    test('that make it at the same time have the same one', async () => {
      const name = newName();
      const all = Array.from({ length: 16 }, (_, i) => start('meets', name, String(i)));
      for (const { child } of all) child.stdin!.write('go\n');
      for (const one of all) expect(await one.says()).toBe('put');
      const queue = new Queue<number>({ name });
      const numbers = queue.getManySync(100).sort((a, b) => a - b);
      expect(numbers).toEqual(all.map((_, i) => i));
      queue.close();
    });

    test('have messages of any size, more of them than are kept ready', async () => {
      const name = newName();
      const puts = start('puts', name, '40', '1000000');
      expect(await puts.says()).toBe(40);
      const queue = new Queue<Buffer>({ name });
      for (let i = 0; i < 40; i++) {
        const message = await queue.get();
        expect([message.length, message[0], message[999_999]]).toEqual([1_000_000, i, i]);
      }
      expect(queue.empty()).toBe(true);
      queue.close();
    });

    test('join what others do', async () => {
      const name = newName();
      const joins = start('joins', name);
      expect(await joins.says()).toBe('put');
      start('works', name);
      expect(await joins.says()).toBe(true);
    });

    test('can be the workers of a cluster', async () => {
      expect(await run('cluster', newName())).toBe(3);
    });

    test('wait for room as for messages', async () => {
      const name = newName();
      const queue = new Queue({ name, maxsize: 1 });
      queue.putSync('first');
      const waiting = queue.put('second');
      const waits = start('waits', name);
      expect(await waits.says()).toBe('waiting');
      expect(await waits.says()).toBe('first');
      await waiting;
      queue.close();
    });
  });

  describe('whoever is killed', () => {
    test('takes no message along, and stops nobody', async () => {
      const name = newName();
      const queue = new Queue<number>({ name });
      for (let round = 0; round < 10; round++) {
        const puts = start('putsForEver', name);
        expect(await puts.says()).toBe('putting');
        for (let i = 0; i <= 50; i++) expect(await queue.get()).toBe(i);
        await kill(puts);
        while (!queue.empty()) queue.getNowait();
        const gets = start('getsForEver', name);
        expect(await gets.says()).toBe('getting');
        for (let i = 0; i < 50; i++) await queue.put(i);
        await kill(gets);
        while (!queue.empty()) queue.getNowait();
        await queue.put(-1);
        expect(await queue.get({ timeout: 20_000 })).toBe(-1);
      }
      queue.close();
    });

    test('leaves nothing that another program could find, and nothing at all after the next start', async () => {
      const name = newName();
      const puts = start('puts', name, '3', '10');
      expect(await puts.says()).toBe(3);
      expect(await run('size', name)).toBe(3);
      await kill(puts);
      expect(existsSync(fileOf(name))).toBe(true);
      expect(await run('size', name)).toBe(0);

      const again = start('puts', name, '3', '10');
      await again.says();
      await kill(again);
      expect(await run('size', newName())).toBe(0);
      expect(existsSync(fileOf(name))).toBe(false);
    });
  });

  test('10 s of kills and stops of programs that make names and use them: every message is accounted for', () => {
    const script = join(__dirname, '..', 'scripts', 'stress.mjs');
    const args = [script, '--named', '--seconds', '10'];
    const { stdout, stderr, status } = spawnSync(process.execPath, args, {
      encoding: 'utf8',
      timeout: 80_000,
    });
    expect(`${stdout}${stderr}`).toMatch(/kills [1-9].*put [1-9].*lost 0, corrupt 0, twice 0, names left 0/);
    expect(status).toBe(0);
  }, 90_000);

  describe('a name', () => {
    test('goes with its last user, who may be a child', async () => {
      const name = newName();
      const leaves = start('leavesToChild', name);
      expect(await leaves.says()).toBe('started');
      const queue = new Queue<string>({ name });
      expect(await queue.get()).toBe('of the child');
      queue.close();
      expect(existsSync(fileOf(name))).toBe(true);
      leaves.child.stdin!.write('go\n');
      expect(await end(leaves)).toBe(0);
      expect(existsSync(fileOf(name))).toBe(false);
    });

    test.each(getAllStartMethods())(
      'stays when a child ends (%s) that was given the queue',
      async (method) => {
        const name = newName();
        const lends = start('lendsToChild', name, method);
        expect(await lends.says()).toBe(0);
        expect(existsSync(fileOf(name))).toBe(true);
        expect(await run('size', name)).toBe(1);
        expect(existsSync(fileOf(name))).toBe(true);
        const queue = new Queue<string>({ name });
        await kill(lends);
        expect(queue.getSync()).toBe('of the child');
        queue.close();
        expect(existsSync(fileOf(name))).toBe(false);
      },
    );

    test('goes with a program that ends without closing it', async () => {
      const name = newName();
      expect(await run('size', name)).toBe(0);
      expect(existsSync(fileOf(name))).toBe(false);
    });

    test('that must be new is refused when it is in use', () => {
      const name = newName();
      const queue = new Queue({ name, exclusive: true });
      expect(thrown(() => new Queue({ name, exclusive: true })).code).toBe('ERR_FORKFUL_EXISTS');
      queue.close();
      new Queue({ name, exclusive: true }).close();
    });

    test('stands for one class and one bound', () => {
      const name = newName();
      const queue = new Queue({ name, maxsize: 3 });
      for (const wrong of [
        () => new Queue({ name, maxsize: 4 }),
        () => new Queue({ name, capacity: 1000 }),
        () => new JoinableQueue({ name }),
      ]) {
        expect(thrown(wrong).code).toBe('ERR_FORKFUL_INVALID_ARGUMENT');
      }
      const same = new Queue({ name });
      for (let i = 0; i < 3; i++) same.putNowait(i);
      expect(thrown(() => same.putNowait(3)).code).toBe('ERR_FORKFUL_FULL');
      expect(queue.qsize()).toBe(3);
      for (const one of [queue, same]) one.close();
    });

    test.each(['', 'a/b', 'a\0b', 'x'.repeat(201), 7])('cannot be %j', (name) => {
      expect(thrown(() => new Queue({ name: name as string })).code).toBe('ERR_FORKFUL_INVALID_ARGUMENT');
    });

    test('carries no handles: they are one program’s', () => {
      const queue = new Queue({ name: newName() });
      const other = new Queue();
      expect(thrown(() => queue.putSync(other)).code).toBe('ERR_FORKFUL_UNSUPPORTED');
      expect(thrown(() => queue.putManySync([1, other])).code).toBe('ERR_FORKFUL_UNSUPPORTED');
      for (const one of [queue, other]) one.close();
    });
  });

  describe('files', () => {
    test('are their user’s alone', () => {
      const name = newName();
      const queue = new Queue({ name });
      expect(statSync(directory).mode & 0o7777).toBe(0o700);
      expect(statSync(fileOf(name)).mode & 0o7777).toBe(0o600);
      chmodSync(fileOf(name), 0o644);
      const error = thrown(() => new Queue({ name }));
      expect(error.code).toBe('ERR_FORKFUL_UNSUPPORTED');
      expect(error.message).toContain('600');
      queue.close();
      expect(existsSync(fileOf(name))).toBe(false);
    });

    test('of something else are refused while somebody uses them, and make way else', async () => {
      const name = newName();
      const keeper = new Queue({ name: newName() }); // the directory stays
      // Locked before it has the name: any start of the library removes what nobody uses.
      const elsewhere = `/dev/shm/${name}`;
      writeFileSync(elsewhere, Buffer.alloc(10_000, 1), { mode: 0o600 });
      const holder = spawn('flock', ['--shared', '--no-fork', elsewhere, 'sleep', '60'], { stdio: 'ignore' });
      await once(holder, 'spawn');
      await until(() => spawnSync('flock', ['-n', '-x', elsewhere, 'true']).status !== 0);
      renameSync(elsewhere, fileOf(name));
      expect(thrown(() => new Queue({ name })).code).toBe('ERR_FORKFUL_CORRUPT');
      holder.kill('SIGKILL');
      await once(holder, 'exit');
      const queue = new Queue({ name });
      expect(queue.qsize()).toBe(0);
      queue.close();
      keeper.close();
    });

    (isRoot ? test : test.skip)('of another user are refused', () => {
      const name = newName();
      const queue = new Queue({ name });
      expectForeignRefused(fileOf(name), () => new Queue({ name }));
      queue.close();
    });

    test('of another layout, C library or pointer size are refused', () => {
      const name = newName();
      const queue = new Queue({ name });
      // Where the header has them: magic, version, its own size, ABI (C library, mutex, pointer).
      const bits = [
        [0, 1],
        [8, 1],
        [13, 1],
        [48, 1],
        [48, 4],
        [50, 1],
      ] as const;
      expectFlippedRefused(fileOf(name), bits, () => new Queue({ name }));
      new Queue({ name }).close();
      queue.close();
    });
  });

  test('waits go on, a little slower, when the user has no inotify instances left', async () => {
    const name = newName();
    const glutton = start('exhausts', name);
    expect(await glutton.says()).toBe('EMFILE');
    const waits = start('waits', name);
    expect(await waits.says()).toBe('waiting');
    const queue = new Queue<string>({ name });
    await queue.put('looked for');
    expect(await waits.says()).toBe('looked for');
    expect(await end(waits)).toBe(0); // looking again and again holds no program
    await kill(glutton);
    queue.close();
  });

  (mayMount ? test : test.skip)(
    'a file system that is full is an error, and what was put is still there',
    () => {
      const script = `
      const { Queue } = require(${JSON.stringify(require.resolve('forkful'))});
      const queue = new Queue({ name: 'full' });
      let put = 0;
      try { for (;;) { queue.putSync(Buffer.alloc(100_000, put)); put++; } } catch (error) { console.log(error.code); }
      let got = 0;
      while (!queue.empty()) if (queue.getSync()[99_999] === (got & 255)) got++;
      console.log(put > 100 && got === put);
      for (let i = 0; i < 200; i++) { queue.putSync(Buffer.alloc(100_000)); queue.getSync(); }
      for (const size of [100_000, 5_000, 1_000_000]) {
        let waiting = 0;
        for (const left of [0.5, 0.9, 0.1, 0]) {
          try {
            for (;;) { queue.putSync(Buffer.alloc(size, 7)); waiting++; }
          } catch (error) {
            if (error.code !== 'ERR_FORKFUL_FULL') throw error;
          }
          for (const keep = waiting * left; waiting > keep; waiting--) if (queue.getSync()[size - 1] !== 7) process.exit(3);
        }
      }
      queue.close();`;
      const shell = 'mount -t tmpfs -o size=24m none /dev/shm && exec "$0" -e "$1"';
      const options = { encoding: 'utf8', timeout: 25_000 } as const;
      const args = ['--mount', 'sh', '-c', shell, process.execPath, script];
      const { stdout, stderr, status } = spawnSync('unshare', args, options);
      expect({ stdout, stderr, status }).toEqual({
        stdout: 'ERR_FORKFUL_FULL\ntrue\n',
        stderr: '',
        status: 0,
      });
    },
  );

  afterAll(() => {
    const left = existsSync(directory) ? readdirSync(directory) : [];
    for (const file of left.filter((file) => file.includes(`-queues-${process.pid}-`))) {
      rmSync(join(directory, file));
    }
    expect(left.filter((file) => file.includes(`-queues-${process.pid}-`))).toEqual([]);
  });
}
