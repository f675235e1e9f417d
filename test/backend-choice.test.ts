import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { decide, type Facts } from '../dist/backend/decide';
import { UnsupportedError } from '../dist/errors';
import { thrown } from './contract/methods';

const withAddon: Facts = {
  platform: 'linux',
  arch: 'x64',
  napi: '9',
  env: {},
  fixed: undefined,
  inherited: undefined,
  loadAddon: () => '',
  maps: () => '/usr/lib/x86_64-linux-gnu/libc.so.6\n',
};

function fail(message: string, code?: string): () => never {
  return () => {
    throw Object.assign(new Error(message), code === undefined ? {} : { code });
  };
}

const dlopenDisabled = fail(
  'Cannot load native addon because loading addons is disabled.',
  'ERR_DLOPEN_DISABLED',
);
const notReached = fail('the addon must not be loaded');

describe('the choice', () => {
  test.each([
    ['x64', '9'],
    ['arm64', '10'],
  ])('linux on %s with Node-API %s: the addon', (arch, napi) => {
    expect(decide({ ...withAddon, arch, napi })).toEqual({
      name: 'native',
      reason: 'the addon is loaded',
      warning: undefined,
      remedy: undefined,
    });
  });

  const obstacles: [string, Partial<Facts>, RegExp][] = [
    ['darwin', { platform: 'darwin', loadAddon: notReached }, /^the addon is for Linux, and this is darwin$/],
    ['win32', { platform: 'win32', loadAddon: notReached }, /^the addon is for Linux, and this is win32$/],
    [
      'riscv64',
      { arch: 'riscv64', loadAddon: notReached },
      /^the addon is for x64 and arm64, .* is riscv64$/,
    ],
    ['Node-API 8', { napi: '8', loadAddon: notReached }, /^the addon needs Node-API 9 .*, and this has 8$/],
    ['no Node-API', { napi: undefined, loadAddon: notReached }, /Node-API 9 .*, and this has none$/],
    [
      'no build',
      { loadAddon: fail('No native build was found for platform=linux\n    loaded from: /x\n') },
      /^the addon could not be loaded: No native build was found for platform=linux$/,
    ],
    [
      'musl',
      { loadAddon: fail('No native build was found'), maps: () => '7f00 r-xp /lib/ld-musl-x86_64.so.1\n' },
      /^the addon could not be loaded: No native build was found; it is for glibc, and this Node uses musl$/,
    ],
    [
      'an older glibc',
      { loadAddon: fail("libc.so.6: version `GLIBC_2.34' not found", 'ERR_DLOPEN_FAILED') },
      /^the addon could not be loaded: libc.so.6: version `GLIBC_2.34' not found$/,
    ],
    [
      'seccomp',
      { loadAddon: () => 'memfd_create: Operation not permitted' },
      /^this system refuses what the addon needs: memfd_create: Operation not permitted$/,
    ],
  ];

  test.each(obstacles)('%s: the other backend, with the reason and a warning', (_, facts, reason) => {
    const decision = decide({ ...withAddon, ...facts });
    expect(decision.name).toBe('child_process');
    expect(decision.reason).toMatch(reason);
    expect(decision.warning).toContain(decision.reason);
    expect(decision.warning).toContain('FORKFUL_BACKEND=child_process');
  });

  test('a remedy where the addon should be usable, and only there', () => {
    const faulty = obstacles.filter(([, facts]) => decide({ ...withAddon, ...facts }).remedy !== undefined);
    expect(faulty.map(([name]) => name)).toEqual([
      'Node-API 8',
      'no Node-API',
      'no build',
      'an older glibc',
      'seccomp',
    ]);
  });

  test.each(obstacles)('%s: no warning if the other backend was asked for', (_, facts) => {
    const env = { FORKFUL_BACKEND: 'child_process' };
    expect(decide({ ...withAddon, ...facts, env, loadAddon: notReached })).toEqual({
      name: 'child_process',
      reason: 'FORKFUL_BACKEND=child_process asks for it',
      warning: undefined,
      remedy: undefined,
    });
  });

  test.each(obstacles)('%s: an error if the addon was asked for', (_, facts) => {
    const error = thrown(() => decide({ ...withAddon, ...facts, env: { FORKFUL_BACKEND: 'native' } }));
    expect(error).toBeInstanceOf(UnsupportedError);
    expect(error.message).toContain('FORKFUL_BACKEND=native asks for it');
    expect(error.message).toContain(decide({ ...withAddon, ...facts }).reason);
  });

  test('addons are switched off: the other backend, no warning', () => {
    expect(decide({ ...withAddon, loadAddon: dlopenDisabled })).toEqual({
      name: 'child_process',
      reason: 'this process may not load addons (--no-addons, or --permission)',
      warning: undefined,
      remedy: undefined,
    });
  });

  test('a wrong value is told and ignored', () => {
    const env = { FORKFUL_BACKEND: 'natve' };
    const decision = decide({ ...withAddon, env });
    expect(decision).toMatchObject({ name: 'native', reason: 'the addon is loaded' });
    expect(decision.warning).toBe(
      `FORKFUL_BACKEND must be 'native' or 'child_process', got "natve", which is ignored`,
    );
    const both = decide({ ...withAddon, env, platform: 'darwin' });
    expect(both.name).toBe('child_process');
    expect(both.warning).toMatch(/^FORKFUL_BACKEND must be .*; forkful uses its child_process backend/);
    expect(decide({ ...withAddon, env: { FORKFUL_BACKEND: '' } }).warning).toBeUndefined();
  });

  test("a child has its parent's, whatever its environment says", () => {
    const env = { FORKFUL_BACKEND: 'native' };
    expect(decide({ ...withAddon, fixed: 'child_process', env, loadAddon: notReached })).toMatchObject({
      name: 'child_process',
      warning: undefined,
      remedy: undefined,
    });
    env.FORKFUL_BACKEND = 'child_process';
    expect(decide({ ...withAddon, fixed: 'native', env })).toMatchObject({
      name: 'native',
      warning: undefined,
      remedy: undefined,
    });
    const error = thrown(() => decide({ ...withAddon, fixed: 'native', loadAddon: dlopenDisabled }));
    expect(error).toBeInstanceOf(UnsupportedError);
    expect(error.message).toContain(
      'which the process that started this one uses, but this process may not load addons',
    );
  });

  test('a thread has that of the thread that started it', () => {
    const inherited = decide({ ...withAddon, platform: 'darwin' });
    expect(decide({ ...withAddon, inherited, loadAddon: notReached })).toBe(inherited);
    const native = decide(withAddon);
    const env = { FORKFUL_BACKEND: 'child_process' };
    expect(decide({ ...withAddon, inherited: native, env })).toEqual(native);
    expect(decide({ ...withAddon, inherited: native, loadAddon: dlopenDisabled }).name).toBe('child_process');
  });
});

const require_ = createRequire(__filename);
const fixture = require_.resolve('./fixtures/backends.js');

interface Run {
  readonly from?: string;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly execArgv?: string[];
}

/** What `forkful.backend()` is in a program; null if that failed. */
function backendOf({ from = fixture, env = {}, execArgv = [] }: Run) {
  const code = `process.stdout.write(JSON.stringify(require('node:module').createRequire(${JSON.stringify(from)})('forkful').backend()))`;
  return run({ env, execArgv }, code);
}

/** The backends of a program, its threads, its children and theirs, whose environment asks for `wanted`. */
function backendsOf({ from = fixture, env = {}, execArgv = [] }: Run, wanted: string) {
  const code = `require(${JSON.stringify(from)}).everywhere(2, { ...process.env, FORKFUL_BACKEND: '${wanted}' })
    .then((names) => process.stdout.write(JSON.stringify(names)))`;
  return run({ env, execArgv }, code);
}

function run({ env, execArgv }: Required<Pick<Run, 'env' | 'execArgv'>>, code: string) {
  const own = { ...process.env };
  delete own['FORKFUL_BACKEND'];
  const { stdout, stderr, status } = spawnSync(process.execPath, [...execArgv, '-e', code], {
    env: { ...own, ...env },
    encoding: 'utf8',
    timeout: 25_000,
  });
  const warnings = stderr.split('[FORKFUL_BACKEND] ForkfulWarning').length - 1;
  return { result: stdout === '' ? null : (JSON.parse(stdout) as unknown), stderr, status, warnings };
}

describe('a program', () => {
  /** The package without its addon. */
  const folder = mkdtempSync(join(tmpdir(), 'forkful-without-addon-'));
  const inCopy = join(folder, 'backends.js');
  beforeAll(() => {
    const root = join(__dirname, '..');
    for (const name of ['dist', 'package.json'])
      cpSync(join(root, name), join(folder, name), { recursive: true });
    cpSync(fixture, inCopy);
    // A directory junction, where links need privileges.
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'), 'junction');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  test('asks for the other backend: nothing of the addon is loaded, in its threads, children and theirs neither', () => {
    expect(backendsOf({ env: { FORKFUL_BACKEND: 'child_process' } }, 'native')).toEqual({
      result: ['child-process is loaded', 'child_process'],
      stderr: '',
      status: 0,
      warnings: 0,
    });
    expect(backendOf({ env: { FORKFUL_BACKEND: 'child_process' } }).result).toEqual({
      name: 'child_process',
      startMethod: 'spawn',
      reason: expect.stringMatching(
        /^FORKFUL_BACKEND=child_process asks for it; 'spawn' is the default; 'forkserver' cannot be used: /,
      ),
    });
  });

  test('the addon is missing: one warning in all', () => {
    const { result, stderr, status, warnings } = backendsOf({ from: inCopy }, 'native');
    expect(result).toEqual(['child-process is loaded', 'child_process']);
    expect({ status, warnings }).toEqual({ status: 0, warnings: 1 });
    expect(stderr).toMatch(/because the addon (could not be loaded: No native build was found|is for )/);
  });

  test('addons are switched off: no warning', () => {
    const runs: Run[] = [
      { execArgv: ['--no-addons'] },
      { env: { NODE_OPTIONS: '--no-addons' } },
      { execArgv: ['--no-addons'], from: inCopy, env: { FORKFUL_BACKEND: 'child_process' } },
    ];
    for (const each of runs) {
      const { result, stderr, status } = backendOf(each);
      expect(result).toMatchObject({ name: 'child_process' });
      // Elsewhere the platform is looked at first.
      if (process.platform === 'linux') expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
    }
  });

  test('asks for the addon, which is missing: an error that says so', () => {
    const { result, stderr, status } = backendOf({ from: inCopy, env: { FORKFUL_BACKEND: 'native' } });
    expect({ result, status }).toEqual({ result: null, status: 1 });
    expect(stderr).toMatch(/UnsupportedError: .*FORKFUL_BACKEND=native asks for it, but the addon/);
  });
});
