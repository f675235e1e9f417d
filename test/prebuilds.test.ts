import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const scripts = join(__dirname, '..', 'scripts');
let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'forkful-prebuilds-'));
});

afterEach(() => {
  rmSync(folder, { recursive: true });
});

function addon(platform: string): void {
  mkdirSync(join(folder, 'prebuilds', platform), { recursive: true });
  writeFileSync(join(folder, 'prebuilds', platform, 'forkful.node'), '');
}

function script(name: string, args: readonly string[], env: NodeJS.ProcessEnv = process.env) {
  const { status, stderr } = spawnSync(process.execPath, [join(scripts, name), ...args], {
    encoding: 'utf8',
    env,
  });
  return { status, stderr };
}

const publish = () => script('check-prebuilds.mjs', ['--root', folder]);

describe('publishing', () => {
  test('is refused without an addon for each platform', () => {
    addon('linux-x64');
    mkdirSync(join(folder, 'prebuilds', 'linux-arm64'));
    expect(publish()).toEqual({
      status: 1,
      stderr: 'publish: expected an addon in prebuilds/linux-arm64, found none; run: npm run prebuilds\n',
    });
  });

  test('goes on when all are there', () => {
    addon('linux-x64');
    addon('linux-arm64');
    expect(publish()).toEqual({ status: 0, stderr: '' });
  });
});

test('npm run prebuilds says which tool it lacks, and how to get it', () => {
  const other = process.arch === 'arm64' ? 'x64' : 'arm64';
  const { status, stderr } = script('prebuild.mjs', ['--arch', other], {
    ...process.env,
    PATH: folder,
  });
  const triplet = other === 'arm64' ? 'aarch64-linux-gnu' : 'x86_64-linux-gnu';
  expect(status).toBe(1);
  expect(stderr).toContain(`found none; install it (Debian: apt-get install g++-${triplet})`);
});
