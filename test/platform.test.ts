import { addonObstacle } from '../scripts/addon-platform.cjs';
import { spawnOptions } from '../dist/backend/child-process/hub/launch-order';
import { processLimits, hasOwnTitle, variablesOf } from '../dist/platform';
import { cgroupQuota, cpuCount } from '../dist/cpu-count';
import { InvalidArgumentError } from '../dist/errors';
import { knownAs, pathOf, spellingOf } from '../dist/function-ref/paths';
import { describeExit, pythonExitCode, signalNumber } from '../dist/signals';
import { thrown } from './contract/methods';

/** What Node offers on Windows, and a part of what it offers elsewhere. */
const windows = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGILL: 4,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
  SIGBREAK: 21,
};
const linux = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGUSR1: 10, SIGTERM: 15 };
const darwin = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGUSR1: 30, SIGTERM: 15 };

describe('modules', () => {
  test.each([
    ['win32', 'C:\\tasks\\work.js', 'path'],
    ['win32', 'c:/tasks/work.js', 'path'],
    ['win32', '\\\\server\\share\\work.js', 'path'],
    ['win32', '\\tasks\\work.js', 'path'],
    ['win32', 'C:work.js', 'relative'],
    ['win32', '.\\work.js', 'relative'],
    ['win32', 'file:///C:/tasks/work.js', 'url'],
    ['win32', 'node:fs', 'url'],
    ['win32', 'tasks', 'bare'],
    ['linux', '/tasks/work.js', 'path'],
    ['linux', 'C:\\tasks\\work.js', 'bare'],
    ['darwin', '/tasks/work.js', 'path'],
    ['darwin', './work.js', 'relative'],
    ['darwin', '@acme/tasks', 'bare'],
    ['linux', 'data:text/javascript,export{}', 'url'],
    ['linux', '', 'relative'],
  ])('%s: %s is spelled as %s', (platform, module, spelling) => {
    expect(spellingOf(module, platform)).toBe(spelling);
  });

  test.each([
    ['win32', 'file:///C:/a%20b/work.js', 'C:\\a b\\work.js'],
    ['win32', 'file://server/share/work.js', '\\\\server\\share\\work.js'],
    ['win32', 'file:///no/drive.js', 'file:///no/drive.js'],
    ['linux', 'file:///a%20b/%23/work.js', '/a b/#/work.js'],
    ['linux', 'file://server/share/work.js', 'file://server/share/work.js'],
    ['darwin', 'file:///a/work.js', '/a/work.js'],
    ['darwin', 'data:text/javascript,', 'data:text/javascript,'],
  ])('%s: the file of %s', (platform, url, path) => {
    expect(pathOf(url, platform)).toBe(path);
  });

  const names = { 'C:\\Tasks\\work.js': 1, '\\\\SERVER\\share\\work.js': 2, '/tasks/work.js': 3 };
  test.each([
    ['win32', 'C:\\Tasks\\work.js', 'C:\\Tasks\\work.js'],
    ['win32', 'c:/tasks/work.js', 'C:\\Tasks\\work.js'],
    ['win32', '\\\\server\\share\\work.js', '\\\\SERVER\\share\\work.js'],
    ['win32', 'C:\\tasks\\other.js', undefined],
    ['linux', '/tasks/work.js', '/tasks/work.js'],
    ['linux', '/Tasks/work.js', undefined],
  ])('%s: a loaded module that a URL spells %s', (platform, path, name) => {
    expect(knownAs(path, names, platform)).toBe(name);
  });
});

describe('signals and exit codes', () => {
  test.each([
    ['SIGTERM', windows, 15],
    ['SIGKILL', windows, 9],
    ['SIGUSR1', linux, 10],
    ['SIGUSR1', darwin, 30],
    ['SIG34', linux, 34],
    [0, windows, 0],
  ])('%s', (signal, signals, number) => {
    expect(signalNumber('signal', signal, signals)).toBe(number);
  });

  test.each([
    ['SIGUSR1', windows],
    ['SIGBREAK', linux],
    ['toString', linux],
    [-1, linux],
    [1.5, linux],
    [undefined, linux],
  ])('%s is no signal there', (signal, signals) => {
    const error = thrown(() => signalNumber('kill argument "signal"', signal, signals));
    expect(error).toBeInstanceOf(InvalidArgumentError);
    expect(error.message).toContain(
      'kill argument "signal" must be one of this platform\'s signals (SIGHUP, SIGINT,',
    );
  });

  test.each([
    [{ exitCode: 0, signal: null }, linux, 0, 'exit code 0'],
    [{ exitCode: 255, signal: null }, darwin, 255, 'exit code 255'],
    [{ exitCode: 0xc0000005, signal: null }, windows, 0xc0000005, 'exit code 3221225477 (0xC0000005)'],
    [{ exitCode: null, signal: 'SIGTERM' }, windows, -15, 'SIGTERM'],
    [{ exitCode: null, signal: 'SIGUSR1' }, darwin, -30, 'SIGUSR1'],
    [{ exitCode: null, signal: 'SIG34' }, linux, -34, 'SIG34'],
    [{ exitCode: null, signal: 'SIGQUIT' }, windows, 255, 'SIGQUIT'],
  ] as const)('%j', (status, signals, code, text) => {
    expect(pythonExitCode(status as Parameters<typeof describeExit>[0], signals)).toBe(code);
    expect(describeExit(status as Parameters<typeof describeExit>[0])).toBe(text);
  });
});

describe('surroundings', () => {
  test('on Windows the case of variables does not matter: the last one counts', () => {
    const env = { Path: 'old', A: '1', PATH: 'new', b: '2', B: undefined };
    expect([...variablesOf(env, 'win32')]).toEqual([
      ['A', '1'],
      ['PATH', 'new'],
    ]);
    for (const platform of ['linux', 'darwin']) {
      expect([...variablesOf(env, platform)]).toEqual([
        ['Path', 'old'],
        ['A', '1'],
        ['PATH', 'new'],
        ['b', '2'],
      ]);
    }
  });

  describe('what a child without the addon is spawned with', () => {
    const order = {
      file: 'node',
      args: [],
      env: { A: '1' },
      cwd: '',
      stdio: 'pipe',
      detached: true,
      uid: 1000,
      gid: 100,
      link: 1,
      shares: [],
    } as const;

    test('pipes that work on Windows, no window, and the folder if there is one', () => {
      expect(spawnOptions(order, { uid: 1000, gid: 100 })).toEqual({
        cwd: undefined,
        env: { A: '1' },
        stdio: ['ignore', 'pipe', 'pipe', 'overlapped', 'pipe'],
        detached: true,
        windowsHide: true,
        uid: undefined,
        gid: undefined,
      });
      expect(spawnOptions({ ...order, cwd: 'C:\\x', stdio: 'ignore' }, {} as never)).toMatchObject({
        cwd: 'C:\\x',
        stdio: ['ignore', 'ignore', 'ignore', 'overlapped', 'pipe'],
      });
    });

    test('ids only where they differ; on Windows nobody has any', () => {
      expect(spawnOptions(order, { uid: 0, gid: 0 })).toMatchObject({ uid: 1000, gid: 100 });
      expect(spawnOptions(order, { uid: 0, gid: 100 })).toMatchObject({ uid: 1000, gid: undefined });
      const none = { uid: undefined, gid: undefined };
      expect(spawnOptions({ ...order, ...none }, none)).toMatchObject(none);
    });
  });

  test('titles, and what to look at when there is no process to be had', () => {
    expect(['linux', 'darwin', 'win32'].map(hasOwnTitle)).toEqual([true, true, false]);
    expect(processLimits('linux')).toMatch(/ulimit -u, ulimit -n, cgroup/);
    expect(processLimits('darwin')).toMatch(/ulimit -u, ulimit -n\)/);
    expect(processLimits('win32')).toBe('check the memory');
  });
});

describe('CPUs', () => {
  const files = (content: Record<string, string>) => (path: string) => content[path] ?? '';

  test.each([
    ['no cgroup', {}, Infinity],
    ['v2 without a quota', { '/sys/fs/cgroup/cpu.max': 'max 100000' }, Infinity],
    ['v2', { '/sys/fs/cgroup/cpu.max': '150000 100000' }, 2],
    [
      'v1',
      { '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '400000', '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000' },
      4,
    ],
    [
      'v1 without a quota',
      { '/sys/fs/cgroup/cpu/cpu.cfs_quota_us': '-1', '/sys/fs/cgroup/cpu/cpu.cfs_period_us': '100000' },
      Infinity,
    ],
  ])('linux, %s', (_, content, quota) => {
    expect(cgroupQuota('linux', files(content))).toBe(quota);
  });

  test.each(['darwin', 'win32'])('%s has no cgroups: nothing is read', (platform) => {
    const read = () => {
      throw new Error('read');
    };
    expect(cgroupQuota(platform, read)).toBe(Infinity);
    expect(cpuCount()).toBeGreaterThanOrEqual(1);
  });
});

test.each([
  ['linux', 'x64', '2.36', undefined],
  ['linux', 'arm64', '2.36', undefined],
  ['linux', 'x64', undefined, /another C library/],
  ['linux', 'riscv64', '2.36', /this CPU is riscv64/],
  ['darwin', 'arm64', undefined, /this is darwin/],
  ['win32', 'x64', undefined, /this is win32/],
])('the addon is built on %s %s with glibc %s or not', (platform, arch, glibc, obstacle) => {
  const found = addonObstacle({ platform, arch, glibc });
  if (obstacle === undefined) expect(found).toBeUndefined();
  else expect(found).toMatch(obstacle);
});
