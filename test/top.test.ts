import { spawnSync } from 'node:child_process';
import { existsSync, lstatSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { backend, getAllStartMethods, type PoolStats } from 'forkful';
import { afterShell, cli, forkful } from './cli';
import { until } from './contract/methods';
import { Programs, end, kill, type Program } from './programs';
import { hasSignals, linuxTest } from './where';

interface Seen {
  readonly pid: number;
  readonly thread: number;
  readonly program: string;
  readonly uptime: number;
  readonly memory: number;
  readonly silence?: string;
  readonly pools: readonly (PoolStats & { readonly id: number; readonly tasksPerSecond: number })[];
}

const file = join(__dirname, 'fixtures', 'observed.cjs');
const programs = new Programs(file);
const folder = `${process.platform === 'linux' ? '/dev/shm' : '/tmp'}/forkful-top-${process.geteuid?.()}`;

/** Removes what killed programs have left. */
const tidy = () => forkful(['top', '--json', '--interval', '100']);

afterEach(() => programs.killAll());
if (hasSignals) afterAll(tidy);

function tell(program: Program, ...command: readonly unknown[]): Promise<unknown> {
  program.child.stdin!.write(`${JSON.stringify(command)}\n`);
  return program.says();
}

/** The sockets of a program. */
function socketsOf({ child }: Program): string[] {
  if (!existsSync(folder)) return [];
  return readdirSync(folder).filter((name) => name.startsWith(`${child.pid}-`));
}

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}

/** What top says of one program. */
function look({ child }: { child: { readonly pid?: number | undefined } }, interval = 100): Seen[] {
  const { status, stdout, stderr } = forkful([
    'top',
    String(child.pid),
    '--json',
    '--interval',
    String(interval),
  ]);
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  return (JSON.parse(stdout) as { processes: Seen[] }).processes;
}

/** A program with a pool, whose socket is there. */
async function withPool(processes = 2, args: readonly string[] = [file]): Promise<Program> {
  const program = programs.startAs([process.execPath, ...args]);
  expect(await tell(program, 'pool', processes)).toEqual([1, 4, 9]);
  await until(() => socketsOf(program).length > 0);
  return program;
}

// Windows: there is no such socket.
(hasSignals ? describe : describe.skip)('top', () => {
  test('workers, what they run, what waits', async () => {
    const program = await withPool();
    await tell(program, 'busy', 5);
    const [seen] = look(program);
    expect(seen).toMatchObject({ pid: program.child.pid, thread: 0 });
    expect(seen!.program).toContain('observed.cjs');
    expect(seen!.memory).toBeGreaterThan(1e6);
    const [pool] = seen!.pools;
    expect(pool).toMatchObject({
      id: 1,
      processes: 2,
      pending: 3,
      running: 2,
      succeeded: 3,
      failed: 0,
      restarts: 0,
    });
    expect(pool!.tasksPerSecond).toBe(0); // since it was looked at before, 100 ms earlier
    expect(pool!.workers).toHaveLength(2);
    for (const worker of pool!.workers) {
      expect(worker.state).toBe('busy');
      expect(worker.running).toEqual([expect.stringMatching(/^waitFor \(task \d+, item 0\)$/)]);
      expect(worker.runningFor).toBeGreaterThan(0);
      expect(worker.pid).toBeGreaterThan(0);
      if (process.platform === 'linux') expect(worker.memory).toBeGreaterThan(1e6);
    }
  });

  test('as text, for all programs of the user', async () => {
    const one = await withPool(1);
    const other = await withPool(2);
    await tell(other, 'busy', 3);
    const { status, stdout } = forkful(['top', '--interval', '100']);
    expect(status).toBe(0);
    for (const { child } of [one, other])
      expect(stdout).toMatch(new RegExp(`^${child.pid} .*observed\\.cjs`, 'm'));
    expect(stdout).toContain(
      '  pool 1: 2 of 2 workers, 2 running, 1 pending, 0 tasks/s, 3 succeeded, 0 failed',
    );
    expect(stdout).toMatch(/^ +1 +\d+ +busy +\S+ s .* waitFor \(task \d+, item 0\)$/m);
    expect(stdout).toMatch(/^ +1 +\d+ +idle +- /m);
    expect(stdout).toMatch(
      /^ +tasks ran [\d.]+ ms \(half\), [\d.]+ ms \(99%\), had waited [\d.]+ ms \(half\), /m,
    );
  });

  test('pools of threads are told apart', async () => {
    const program = await withPool(1);
    expect(await tell(program, 'thread')).toBe('ready');
    await until(() => socketsOf(program).length === 2);
    const seen = look(program);
    expect(seen.map(({ pools }) => pools[0]!.succeeded)).toEqual([3, 1]);
    expect(seen[0]!.thread).toBe(0);
    expect(seen[1]!.thread).toBeGreaterThan(0);
    expect(await tell(program, 'endThread')).toBe(0);
    expect(socketsOf(program)).toHaveLength(1);
  });

  test('a program whose event loop is busy is told as that', async () => {
    const program = await withPool(1);
    const answered = tell(program, 'blockFor', 4000);
    await until(() => look(program)[0]?.silence !== undefined);
    await answered;
    expect(look(program)[0]).not.toHaveProperty('silence');
  });

  test('the socket goes with the last pool, and comes with the next', async () => {
    const program = await withPool(1);
    await tell(program, 'terminate');
    expect(socketsOf(program)).toEqual([]);
    const { status, stderr } = forkful(['top', String(program.child.pid)]);
    expect(status).toBe(1);
    expect(stderr).toMatch(/^forkful: process \d+ has no pool that can be seen: /);
    await tell(program, 'pool', 1);
    await until(() => socketsOf(program).length === 1);
    expect(look(program)[0]!.pools).toHaveLength(1);
  });

  test('a program with an idle pool ends as without, and its socket with it', async () => {
    const program = await withPool(1);
    // Nothing of it holds the event loop.
    expect(await tell(program, 'resources')).not.toContainEqual(
      expect.stringMatching(/Pipe(Server|Connect)Wrap$/),
    );
    expect(look(program)).toHaveLength(1);
    program.child.stdin!.end();
    expect(await end(program)).toBe(0);
    expect(socketsOf(program)).toEqual([]);
  });

  test('somebody who asks and does not read holds nobody', async () => {
    const program = await withPool(1);
    const reader = spawnSync(process.execPath, [
      '-e',
      `const socket = require('node:net').connect(${JSON.stringify(join(folder, socketsOf(program)[0]!))});
       socket.pause().on('connect', () => { console.log('in'); process.exit(); });`,
    ]);
    expect(String(reader.stdout)).toBe('in\n');
    expect(look(program)).toHaveLength(1);
    program.child.stdin!.end();
    expect(await end(program)).toBe(0);
  });

  test('what a killed program leaves is removed by top', async () => {
    const program = await withPool(1);
    await kill(program);
    expect(socketsOf(program)).toHaveLength(1);
    expect(tidy().status).toBe(0);
    expect(socketsOf(program)).toEqual([]);
  });

  test('and by the next program with a pool', async () => {
    const killed = await withPool(1);
    await kill(killed);
    const next = await withPool(1);
    await until(() => socketsOf(killed).length === 0);
    expect(socketsOf(next)).toHaveLength(1);
  });

  test('the folder goes with its last socket', async () => {
    tidy();
    const others = existsSync(folder) && readdirSync(folder).length > 0; // of programs that are not this test's
    const program = await withPool(1);
    expect(existsSync(folder)).toBe(true);
    await tell(program, 'terminate');
    if (!others) await until(() => !existsSync(folder) || readdirSync(folder).length > 0);
    expect(socketsOf(program)).toEqual([]);
  });

  test('FORKFUL_TOP=0 forbids it', async () => {
    const program = programs.startAs(['env', 'FORKFUL_TOP=0', process.execPath, file]);
    await tell(program, 'pool', 1);
    await tell(program, 'pool', 1); // the event loop came round
    expect(socketsOf(program)).toEqual([]);
    const { status, stderr } = forkful(['top', String(program.child.pid)]);
    expect(status).toBe(1);
    expect(stderr).toContain('FORKFUL_TOP=0');
  });

  test('only the user may connect', async () => {
    const program = await withPool(1);
    expect(lstatSync(folder).mode & 0o777).toBe(0o700);
    const socket = lstatSync(join(folder, socketsOf(program)[0]!));
    expect(socket.isSocket()).toBe(true);
    expect(socket.mode & 0o777).toBe(0o600);
  });

  // A folder of one's own for /dev/shm takes a namespace of mounts, which not every system gives.
  const namespace = ['unshare', '--mount', '--map-root-user'];
  const canMount = spawnSync(namespace[0]!, [
    ...namespace.slice(1),
    'mount',
    '-t',
    'tmpfs',
    'none',
    '/dev/shm',
  ]);
  const mountTest = canMount.status === 0 ? linuxTest : test.skip;

  mountTest.each([
    ['open to others', 'mkdir -m 755 /dev/shm/forkful-top-0'],
    ['a link', 'mkdir -m 700 /dev/shm/real && ln -s real /dev/shm/forkful-top-0'],
    ['read-only', 'mount -o remount,ro /dev/shm'],
  ])('a folder that is %s is not used; another one is', (_, spoil) => {
    const code = `
      const { Pool } = require(${JSON.stringify(require.resolve('forkful'))});
      const { existsSync, readdirSync } = require('node:fs');
      const pool = new Pool(1);
      const count = (folder) =>
        existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith(process.pid + '-')).length : 0;
      setImmediate(() => setImmediate(() => {
        console.log(count('/dev/shm/forkful-top-0'), count('/tmp/forkful-top-0'));
        void pool.terminate();
      }));`;
    const [unshare = '', ...rest] = [
      ...namespace,
      ...afterShell(`mount -t tmpfs none /dev/shm && ${spoil}`),
      ...[process.execPath, '-e', code],
    ];
    const { stdout, stderr } = spawnSync(unshare, rest, { encoding: 'utf8' });
    expect({ stdout, stderr }).toEqual({ stdout: '0 1\n', stderr: '' });
  });

  const methods: [method: string, ...args: string[]][] = getAllStartMethods().map((method) => [method]);
  if (backend().name === 'native') methods.push(['fork', '--single-threaded']);
  describe.each(methods)('children by %s', (method, ...args) => {
    /** What /proc says of sockets of ours: the inode of each. */
    const inodes = () =>
      readFileSync('/proc/net/unix', 'latin1')
        .split('\n')
        .filter((line) => line.includes('/forkful-top-'))
        .map((line) => `socket:[${line.split(/\s+/)[6]}]`);

    linuxTest('have no descriptor of it', async () => {
      const program = await withPool(1, [...args, file, method]);
      const ours = inodes();
      expect(ours.length).toBeGreaterThan(0);
      for (const links of [await tell(program, 'childLinks'), await tell(program, 'workerLinks')]) {
        expect((links as string[]).filter((link) => ours.includes(link))).toEqual([]);
      }
      // And theirs is their own.
      expect(look(program)[0]!.pools).toHaveLength(1);
    });

    test('have their own pools', async () => {
      const program = await withPool(1, [...args, file, method]);
      const pid = (await tell(program, 'nested')) as number;
      await until(() => readdirSync(folder).some((name) => name.startsWith(`${pid}-`)));
      await until(() => look({ child: { pid } })[0]!.pools[0]!.running === 1);
      const [seen] = look({ child: { pid } });
      expect(seen!.pools).toHaveLength(1);
      expect(look(program)[0]!.pools[0]!.succeeded).toBeGreaterThanOrEqual(3);
      await kill(program);
      await until(() => !isRunning(pid)); // which ends soon after its parent
    });
  });

  // A terminal takes `script`, which not every system has, and whose arguments differ elsewhere.
  const hasScript = spawnSync('script', ['-qefc', 'true', '/dev/null']).status === 0;
  (hasScript ? linuxTest : test.skip)('live, in a terminal, until q', async () => {
    const program = await withPool(1);
    await tell(program, 'busy', 1);
    // Of that program: others of this machine may fill the screen.
    const command = `stty rows 20 cols 60; '${process.execPath}' '${cli}' top ${program.child.pid} --interval 100`;
    const terminal = programs.startAs(['script', '-qefc', command, '/dev/null']);
    let shown = '';
    terminal.child.stdout!.on('data', (data: Buffer) => (shown += data.toString()));
    await until(() => shown.split('\x1b[H').length > 3); // several pictures
    expect(shown).toContain('\x1b[?1049h');
    expect(shown).toContain(`\x1b[K\r\n${program.child.pid} `);
    const lines = shown.split(/\r\n|\x1b\[H/);
    const widths = lines.map((line) => line.replace(/\x1b\[[?\d]*[a-zA-Z]/g, '').length);
    expect(Math.max(...widths)).toBeLessThanOrEqual(60);
    terminal.child.stdin!.write('q');
    expect(await end(terminal)).toBe(0);
    expect(shown).toMatch(/\x1b\[\?25h\x1b\[\?1049l\s*$/);
  });
});

test.each([
  [['top', 'x'], /^forkful: a pid must be a whole number from 1 to 2147483647, got 'x'\n/],
  [['top', '--interval', '5'], /^forkful: --interval must be a whole number from 100 to 3600000, got '5'\n/],
  [['top', '1', '2'], /^forkful: '2' is one argument too many\n/],
])('%j is misuse', (args, message) => {
  const { status, stderr } = forkful(args);
  expect(status).toBe(2);
  expect(stderr).toMatch(message);
});
