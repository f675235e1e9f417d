import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, rmdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backend, cpuCount, getAllStartMethods } from 'forkful';
import { until } from './contract/methods';
import { afterShell, cli, forkful, version } from './cli';
import { linuxTest } from './where';

interface Finding {
  readonly area: string;
  readonly name: string;
  readonly status: 'ok' | 'note' | 'problem';
  readonly text: string;
  readonly remedy?: string;
  readonly values?: Readonly<Record<string, number | string>>;
}

/** What is there only with the addon. */
const addonTest = backend().name === 'native' ? test : test.skip;

function canLimitProcesses(group: string): boolean {
  try {
    mkdirSync(group);
  } catch {
    return false;
  }
  const canLimit = existsSync(join(group, 'pids.max'));
  rmdirSync(group);
  return canLimit;
}

function examined(options: Parameters<typeof forkful>[1] = {}) {
  const { status, stdout, stderr } = forkful(['doctor', '--json'], options);
  const report = JSON.parse(stdout) as { ok: boolean; node: string; findings: Finding[] };
  const findings = report.findings;
  const find = (name: string) => findings.find((one) => one.name === name);
  const problems = findings.filter((one) => one.status === 'problem');
  // Whatever is wrong, it is told how to mend it, and the exit code says so.
  expect(problems.filter(({ remedy }) => !remedy)).toEqual([]);
  expect({ status, ok: report.ok }).toEqual(
    problems.length === 0 ? { status: 0, ok: true } : { status: 1, ok: false },
  );
  return { report, find, problems, stderr };
}

test('everything works here, and is told', () => {
  const { report, find, problems } = examined();
  expect(problems).toEqual([]);
  expect(report.node).toBe(process.version);
  expect(find('backend')!.values).toEqual({ name: backend().name });
  expect(find('cpus')!.values).toMatchObject({ usable: cpuCount() });
  for (const method of ['fork', 'forkserver', 'spawn'] as const) {
    const available = getAllStartMethods().includes(method);
    expect(find(method)!.status).toBe(available ? 'ok' : 'note');
    expect(find(`start by ${method}`)?.status).toBe(available ? 'ok' : undefined);
  }
  expect(find('queue')!.values!['microseconds']).toBeGreaterThan(0);
  expect(find('pool')!.text).toMatch(/ goes on after a worker was killed$/);
});

test('people get one line for each', () => {
  const { status, stdout } = forkful(['doctor']);
  expect(status).toBe(0);
  expect(stdout).toMatch(/^forkful \S+, Node\.js v/);
  for (const area of ['backend', 'start methods', 'cpus', 'limits', 'self-test']) {
    expect(stdout).toContain(`\n\n${area}\n  `);
  }
  expect(stdout).toMatch(/\n\neverything works that should\n$/);
});

test('npm can make a command of it', () => {
  expect(readFileSync(cli, 'utf8')).toMatch(/^#!\/usr\/bin\/env node\n/);
  expect(forkful(['--version']).stdout).toBe(`${version}\n`);
});

describe('the other backend', () => {
  test('asked for: a note, and nothing is wrong', () => {
    const { find, stderr } = examined({ env: { FORKFUL_BACKEND: 'child_process' } });
    expect(find('backend')).toMatchObject({ status: 'note', values: { name: 'child_process' } });
    expect(find('backend')!.text).toContain('FORKFUL_BACKEND=child_process asks for it');
    expect(find('forkserver')).toMatchObject({ status: 'note' });
    expect(find('start by spawn')!.status).toBe('ok');
    expect(find('shared memory')!.status).toBe('note');
    expect(stderr).toBe('');
  });

  addonTest('for want of addons: a note with the reason', () => {
    const { find } = examined({ args: ['--no-addons'] });
    expect(find('backend')!.text).toContain('may not load addons (--no-addons, or --permission)');
    expect(find('pool')!.status).toBe('ok');
  });

  addonTest('for want of a build: a problem', () => {
    const { find, problems } = examined({ env: { FORKFUL_PREBUILD: join(tmpdir(), 'no-such-folder') } });
    expect(problems).toEqual([find('backend')]);
    expect(find('backend')!.text).toContain('No native build was found');
    expect(find('backend')!.remedy).toContain('prebuilds');
    expect(find('pool')!.status).toBe('ok'); // by the other one
  });

  addonTest('because the system refuses: a problem', () => {
    const { find, problems } = examined({ within: afterShell('ulimit -v 25000000') });
    expect(problems).toEqual([find('backend')]);
    expect(find('backend')!.text).toMatch(/refuses what the addon needs: mmap of 32 GiB of addresses/);
    expect(find('backend')!.remedy).toContain('ulimit -v');
  });

  addonTest('the library cannot be loaded at all: that is told, and the rest', () => {
    const { find, problems } = examined({ args: ['--no-addons'], env: { FORKFUL_BACKEND: 'native' } });
    expect(problems).toEqual([find('backend')]);
    expect(find('backend')!.text).toMatch(/^the library cannot be loaded: .*FORKFUL_BACKEND=native/);
    expect(find('descriptors')!.status).toBe('ok');
    expect(find('pool')).toBeUndefined();
  });
});

addonTest('a loader that forbids forkservers, which is found out by starting one', () => {
  const hooks = 'data:text/javascript,export const load = (url, context, next) => next(url, context)';
  const register = `import { register } from 'node:module'; register(${JSON.stringify(hooks)});`;
  const { find, problems } = examined({
    env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(register)}` },
  });
  expect(problems).toEqual([]);
  expect(find('forkserver')!.text).toMatch(/^not available: .* loaders \(module\.register\)/);
  expect(find('start by forkserver')).toMatchObject({ status: 'note' });
  expect(find('start by forkserver')!.remedy).toContain('NODE_OPTIONS');
  expect(find('start by spawn')!.status).toBe('ok');
});

addonTest('a flag that forbids forkservers', () => {
  const folder = mkdtempSync(join(tmpdir(), 'doctor-'));
  try {
    const { find, problems } = examined({ args: ['--cpu-prof'], cwd: folder });
    expect(problems).toEqual([]);
    expect(find('forkserver')).toMatchObject({ status: 'note' });
    expect(find('forkserver')!.text).toContain('--cpu-prof');
    expect(find('forkserver')!.remedy).toMatch(/^spawn is used/);
    expect(find('spawn')!.text).toBe('available, and the default');
    expect(find('start by forkserver')).toBeUndefined();
  } finally {
    rmSync(folder, { recursive: true });
  }
});

describe('limits', () => {
  linuxTest('too few descriptors', () => {
    const { find, problems } = examined({ within: afterShell('ulimit -n 40') });
    expect(find('descriptors')).toMatchObject({ status: 'problem', values: { limit: 40 } });
    expect(find('descriptors')!.remedy).toContain('ulimit -n');
    // What fails for want of them says so too.
    for (const { name, text, remedy } of problems) {
      expect({ name, text: `${text} ${remedy}` }).toEqual({
        name,
        text: expect.stringMatching(/ulimit -n|EMFILE/),
      });
    }
  });

  (spawnSync('taskset', ['-c', '0', 'true']).status === 0 ? linuxTest : test.skip)('one CPU', () => {
    const { find, problems } = examined({ within: ['taskset', '-c', '0'] });
    expect(problems).toEqual([]);
    expect(find('cpus')).toMatchObject({ values: { usable: 1, affinity: 1 } });
    expect(find('cpus')!.status).toBe('note');
  });

  // A group of one's own takes root, or a controller that is delegated.
  const group = ['/sys/fs/cgroup/pids', '/sys/fs/cgroup']
    .map((root) => join(root, `forkful-doctor-${process.pid}`))
    .find(canLimitProcesses);
  (group === undefined ? test.skip : addonTest)('a cgroup with few processes', async () => {
    mkdirSync(group!);
    try {
      writeFileSync(join(group!, 'pids.max'), '40');
      const { find, problems } = examined({ within: afterShell(`echo $$ > ${group}/cgroup.procs`) });
      expect(problems).toEqual([]);
      expect(find('cgroup processes')!.values).toMatchObject({ limit: 40 });
      expect(find('cgroup processes')!.status).toBe('note');
      expect(find('cgroup processes')!.remedy).toContain('TasksMax=');
    } finally {
      // As soon as nobody is left in it.
      await until(() => {
        try {
          rmdirSync(group!);
          return true;
        } catch {
          return false;
        }
      });
    }
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
  const mountTest = canMount.status === 0 ? addonTest : test.skip;
  const shm = (options: string) => [
    ...namespace,
    ...afterShell(`mount -t tmpfs -o ${options} none /dev/shm`),
  ];

  mountTest('/dev/shm is read-only', () => {
    const { find, problems } = examined({ within: shm('ro') });
    expect(problems).toEqual([find('named memory')]);
    expect(find('named memory')!.text).toContain('read-only here; mount a tmpfs there');
    expect(find('shared memory')!.status).toBe('ok');
  });

  mountTest('/dev/shm is full', () => {
    const { find, problems } = examined({ within: shm('size=64k') });
    expect(problems).toEqual([find('named memory')]);
    expect(find('named memory')!.text).toContain('--shm-size');
  });

  mountTest('no inotify instances', () => {
    const { find, problems } = examined({
      within: [...namespace, ...afterShell('echo 0 > /proc/sys/user/max_inotify_instances')],
    });
    expect(problems).toEqual([]);
    expect(find('inotify')!.text).toContain('one more is refused (EMFILE)');
    expect(find('inotify')).toMatchObject({ status: 'note' });
    expect(find('inotify')!.remedy).toContain('max_user_instances');
  });
});

describe('arguments', () => {
  test.each([
    [[], /^forkful: a command is missing\nusage: forkful /],
    [['doktor'], /^forkful: there is no command 'doktor'\nusage: /],
    [['doctor', '--jsno'], /^forkful: Unknown option '--jsno'/],
    [['doctor', 'me'], /^forkful: 'me' is one argument too many\n/],
  ])('%j is misuse', (args, message) => {
    const { status, stdout, stderr } = forkful(args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toMatch(message);
  });

  test.each([['--help'], ['-h'], ['doctor', '--help']])('%s: the usage', (...args) => {
    const { status, stdout } = forkful(args);
    expect(status).toBe(0);
    expect(stdout).toMatch(/^usage: forkful <command>/);
  });

  test('a reader that goes away is no crash', () => {
    if (process.platform === 'win32') return;
    const { status, stderr } = spawnSync('sh', ['-c', '"$0" "$1" --help | true', process.execPath, cli], {
      encoding: 'utf8',
    });
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
  });
});
