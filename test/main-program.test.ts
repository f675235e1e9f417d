import { spawn, spawnSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { exists, until } from './contract/methods';
import { leftovers } from './setup/leftovers.js';
import { linuxTest } from './where';

const require_ = createRequire(__filename);
const tasks = require_.resolve('./fixtures/tasks.js');
const forkful = require_.resolve('forkful');

/** Runs a main program: what follows sees `F` (the package) and `tasks`. */
function program(source: string): string[] {
  return [
    '-e',
    `const F = require(${JSON.stringify(forkful)}); const tasks = require(${JSON.stringify(tasks)}); ${source}`,
  ];
}

function run(source: string) {
  return spawnSync(process.execPath, program(source), { encoding: 'utf8', timeout: 20_000 });
}

test('the end of the main program waits for its processes and ends its daemons', () => {
  const started = Date.now();
  const { status, stdout } = run(`
    (async () => {
      const p = new F.Process({ target: tasks.later, args: [200, 1] });
      const d = new F.Process({ target: tasks.hang, daemon: true });
      await p.start();
      await d.start();
      process.on('exit', () => console.log('alive', p.isAlive(), d.isAlive(), d.exitCode));
    })();`);
  expect(stdout).toBe('alive false false -15\n');
  expect(status).toBe(0);
  expect(Date.now() - started).toBeGreaterThan(200);
});

test('daemons end when the event loop does, before the others have ended', () => {
  const { stdout } = run(`
    (async () => {
      const p = new F.Process({ target: tasks.later, args: [1500, 1] });
      const d = new F.Process({ target: tasks.hang, daemon: true });
      await p.start();
      await d.start();
      process.once('beforeExit', () => d.join().then(() => console.log('daemon ended', d.exitCode, p.isAlive())));
    })();`);
  expect(stdout).toBe('daemon ended -15 true\n');
});

test('an idle pool and an idle queue do not keep the program alive; pending tasks do', () => {
  const { status, stdout } = run(`
    const pool = new F.Pool({ processes: 2, minProcesses: 2 });
    const queue = new F.Queue();
    queue.put(1);
    pool.apply(tasks.later, [100, 'done']).then(console.log);`);
  expect(stdout).toBe('done\n');
  expect(status).toBe(0);
});

test('process.exit() takes the children along', async () => {
  const { status, stdout } = run(`
    (async () => {
      const p = new F.Process({ target: tasks.hang });
      await p.start();
      console.log(p.pid);
      process.exit(5);
    })();`);
  expect(status).toBe(5);
  await until(() => !exists(Number(stdout)));
});

test('nothing outlives a main program that is killed, not even busy children', async () => {
  const main = spawn(
    process.execPath,
    program(`
      (async () => {
        const queue = new F.Queue();
        const busy = new F.Process({ target: tasks.busy, args: [60000] });
        const middle = new F.Process({ target: tasks.startGrandchild, args: [queue] });
        await Promise.all([busy.start(), middle.start()]);
        const { pid } = await queue.get();
        console.log(JSON.stringify([busy.pid, middle.pid, pid]));
      })();`),
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const line = await new Promise<string>((resolve) =>
    main.stdout.once('data', (data) => resolve(String(data))),
  );
  const pids = JSON.parse(line) as number[];
  expect(pids.every(exists)).toBe(true);
  main.kill('SIGKILL');
  await until(() => !pids.some(exists));
});

/** '' if it ended meanwhile. */
function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/** Processes with this in their environment. */
function processesOf(mark: string): string[] {
  return readdirSync('/proc').filter(
    (name) => /^\d+$/.test(name) && read(`/proc/${name}/environ`).split('\0').includes(`MAIN=${mark}`),
  );
}

/** Memory and sockets of a process that others could find by a name. */
function named(pid: string): string[] {
  const sockets = new Map(
    [...read('/proc/net/unix').matchAll(/ (\d+) (\S+)$/gm)].map(([, inode, name]) => [inode, name]),
  );
  return readdirSync(`/proc/${pid}/fd`).flatMap((fd) => {
    const target = readlinkSync(`/proc/${pid}/fd/${fd}`);
    if (target.startsWith('/dev/shm/')) return [target];
    return sockets.get(/^socket:\[(\d+)\]$/.exec(target)?.[1] ?? '') ?? [];
  });
}

linuxTest('when a main program was killed nothing of all that it had is left', async () => {
  const mark = randomUUID();
  const main = spawn(
    process.execPath,
    program(`
      (async () => {
        const [queue, list] = [new F.Queue(), new F.JoinableQueue(10)];
        const [lock, array, value] = [new F.Lock(), new F.SharedArray('float64', 1e6), new F.Value('int32')];
        const memory = new F.SharedMemory({ size: 1 << 20 });
        for (let i = 0; i < 50; i++) await queue.put(Buffer.alloc(1e5));
        const pool = new F.Pool(3);
        const running = [1, 2, 3].map(() => pool.apply(tasks.busy, [60000]));
        const spawning = F.getContext('spawn');
        const args = [list, lock, array, value, memory];
        const all = [F, F, spawning].map(({ Process }) => new Process({ target: tasks.hang, args, stdio: 'pipe' }));
        const [a, b] = F.Pipe();
        all.push(new F.Process({ target: tasks.startGrandchild, args: [list] }));
        for (const one of all) await one.start();
        await list.get();
        console.log('ready');
        lock.acquireSync();
        queue.getSync();
        list.getSync();
      })();`),
    { env: { ...process.env, MAIN: mark }, stdio: ['ignore', 'pipe', 'inherit'] },
  );
  await new Promise((resolve) => main.stdout.once('data', resolve));
  // Itself, its forkserver, a spare, three workers, four children and one of theirs; the spawned ones have the mark too.
  const pids = processesOf(mark);
  expect(pids.length).toBeGreaterThanOrEqual(10);
  // So all of it goes with them, but the socket that `forkful top` asks: the next program removes that.
  expect(pids.flatMap(named).filter((name) => !name.includes('forkful-top'))).toEqual([]);
  main.kill('SIGKILL');
  await until(() => processesOf(mark).length === 0);
});

test('a main module without a guard is refused in the child, not started again for ever', () => {
  const { stdout } = spawnSync(process.execPath, [require_.resolve('./fixtures/unguarded.cjs')], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  expect(stdout).toBe('failed ERR_FORKFUL_BOOTSTRAP \nresult 1\n');
});

test('an error that nobody asked for becomes a warning', () => {
  const { stderr, status } = spawnSync(
    process.execPath,
    [
      '--expose-gc',
      ...program(`
        (async () => {
          const pool = new F.Pool(1);
          await (async () => { await pool.applyAsync(tasks.fail, ['unasked']).wait(); })();
          for (let i = 0; i < 50; i++) { gc(); await new Promise((r) => setTimeout(r, 5)); }
        })();`),
    ],
    { encoding: 'utf8', timeout: 20_000 },
  );
  expect(stderr).toMatch(/ForkfulUnaskedError[^]*unasked/);
  expect(status).toBe(0);
});

linuxTest(
  'thousands of queues and pipes, processes and a pool come and go without a descriptor or a mapping left',
  () => {
    const { stdout, stderr } = run(`
    const { descriptors } = require(${JSON.stringify(require_.resolve('./setup/leftovers.js'))});
    const maps = () => require('fs').readFileSync('/proc/self/maps', 'utf8').split('memfd:forkful').length;
    const round = async (method) => {
      const p = new F.Process({ target: tasks.add, args: [1, 2], context: { method } });
      await p.start();
      await p.join();
      p.close();
      const pool = new F.Pool({ processes: 2, context: { method } });
      await pool.map(tasks.double, [1, 2, 3]);
      await pool.close();
    };
    (async () => {
      for (const method of F.getAllStartMethods()) await round(method);
      const before = JSON.stringify([descriptors(), maps()]);
      for (let i = 0; i < 3000; i++) {
        const queue = new F.Queue();
        queue.putNowait(i);
        queue.getSync();
        queue.close();
        const [a, b] = F.Pipe();
        a.sendSync(i);
        b.recvSync();
        a.close();
        b.close();
      }
      for (let i = 0; i < 3; i++) for (const method of F.getAllStartMethods()) await round(method);
      const after = JSON.stringify([descriptors(), maps()]);
      console.log(after === before ? 'same' : before + after);
    })();`);
    expect(`${stdout}${stderr}`).toBe('same\n');
  },
);

linuxTest('collected queues give their memory back', () => {
  const { stdout } = spawnSync(
    process.execPath,
    [
      '--expose-gc',
      ...program(`
        const maps = () => require('fs').readFileSync('/proc/self/maps', 'utf8').split('memfd:forkful').length - 1;
        (async () => {
          for (let i = 0; i < 200; i++) new F.Queue().putNowait(i);
          for (let i = 0; i < 100 && maps() > 0; i++) { gc(); await new Promise((r) => setTimeout(r, 5)); }
          console.log(maps());
        })();`),
    ],
    { encoding: 'utf8', timeout: 20_000 },
  );
  expect(stdout).toBe('0\n');
});

linuxTest('the look-out for leftovers, by which the suite ends, sees a process that is left', async () => {
  const main = spawn(
    process.execPath,
    program(`const p = new F.Process({ target: tasks.hang }); p.start().then(() => console.log(p.pid));`),
    { stdio: ['ignore', 'pipe', 'inherit'] },
  );
  const pid = Number(await new Promise((resolve) => main.stdout.once('data', resolve)));
  expect(leftovers().some((found) => found.startsWith(`process ${pid}`))).toBe(true);
  main.kill('SIGKILL');
  await until(() => !exists(pid));
});
