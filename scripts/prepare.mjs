// Brings a checkout into a state in which it runs: dependencies, addon, TypeScript; each only when it is missing or
// older than its sources. Depends on nothing but Node, because it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { addonObstacle } from './addon-platform.cjs';
import { withLock } from './lock.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const onWindows = process.platform === 'win32';

function say(text) {
  process.stderr.write(`prepare: ${text}\n`);
}

function fail(text) {
  say(text);
  process.exit(1);
}

function filesBelow(path) {
  const full = join(root, path);
  if (!existsSync(full)) return [];
  if (!statSync(full).isDirectory()) return [path];
  return readdirSync(full)
    .sort()
    .flatMap((name) => filesBelow(join(path, name)));
}

function digest(sources, ...more) {
  const hash = createHash('sha256');
  for (const file of sources.flatMap(filesBelow)) hash.update(file).update(readFileSync(join(root, file)));
  for (const text of more) hash.update(text);
  return hash.digest('hex');
}

/** Runs npm; what it prints is shown only if it fails. */
function npm(args, whatIfItFails) {
  const result = spawnSync('npm', args, {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
    encoding: 'utf8',
    maxBuffer: Infinity,
    shell: onWindows,
  });
  if (result.status === 0) return;
  process.stderr.write(`${result.stdout ?? ''}${result.stderr ?? ''}`);
  const reason = result.error?.message ?? (result.signal ? `ended by ${result.signal}` : 'see above');
  fail(`npm ${args.join(' ')} failed: ${reason}. ${whatIfItFails}`);
}

function isOnPath(command) {
  return process.env.PATH.split(delimiter).some((folder) => existsSync(join(folder, command)));
}

/** node-gyp's own words for a missing tool fill a screen; these do not. Elsewhere it looks in more places than PATH. */
function checkTools() {
  if (process.platform !== 'linux') return;
  const compiler = process.env.CXX ? [] : ['g++'];
  const missing = ['python3', 'make', ...compiler].filter((tool) => !isOnPath(tool));
  if (missing.length === 0) return;
  fail(
    `compiling the addon needs python3, make and g++ 11 or later, found no ${missing.join(', no ')}. ` +
      `Install what is missing (Debian, Ubuntu: apt-get install ${missing.join(' ')}; Fedora: dnf install ` +
      `${missing.map((tool) => (tool === 'g++' ? 'gcc-c++' : tool)).join(' ')}).`,
  );
}

function wantedPackages() {
  const { dependencies, devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return JSON.stringify([dependencies, devDependencies]);
}

const withoutAddon = addonObstacle();

/** A step is done unless its stamp says that it was done for the same inputs. */
const steps = [
  {
    name: 'installing dependencies',
    stamp: 'node_modules/.forkful-stamp',
    key: () => digest(['package-lock.json'], wantedPackages()),
    result: 'node_modules/typescript',
    // Not `npm ci`: it refuses a lock file that lacks optional packages for other platforms, which npm leaves out of
    // the file where the registry does not offer them. This installs what the lock file says and does not change it.
    act: () =>
      npm(
        ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'],
        'Is the registry reachable?',
      ),
  },
  {
    name: 'compiling the addon',
    isFor: withoutAddon === undefined,
    stamp: 'build/.forkful-stamp',
    key: () => digest(['native', 'binding.gyp'], process.versions.modules, process.platform, process.arch),
    result: 'build/Release/forkful.node',
    act() {
      checkTools();
      npm(
        ['run', '--silent', 'build:native', '--', '--loglevel=error'],
        'The compiler is expected to be g++ 11 or later, or as new.',
      );
    },
  },
  {
    name: 'compiling TypeScript',
    stamp: 'dist/.forkful-stamp',
    key: () => digest(['lib', 'tsconfig.json', 'package-lock.json', 'scripts/bundle.mjs']),
    result: 'dist/index.js',
    act() {
      rmSync(join(root, 'dist'), { recursive: true, force: true }); // tsc leaves the output of sources that are gone
      npm(['run', '--silent', 'build:ts'], 'The compiler says where.');
    },
  },
].filter(({ isFor = true }) => isFor);

/** Why a step must be done, or undefined. */
function reason({ stamp, key, result }) {
  if (!existsSync(join(root, result))) return 'not done yet';
  const file = join(root, stamp);
  const before = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  return before === key() ? undefined : 'something it depends on has changed';
}

function prepare() {
  if (withoutAddon !== undefined) say(`leaving out the addon: ${withoutAddon}`);
  for (const step of steps) {
    const why = reason(step);
    if (why === undefined) continue;
    say(`${step.name} (${why})`);
    const started = Date.now();
    // Taken before, so that what is edited meanwhile counts as changed; removed, so that a failure is not taken for done.
    const key = step.key();
    const stamp = join(root, step.stamp);
    rmSync(stamp, { force: true });
    step.act();
    mkdirSync(dirname(stamp), { recursive: true });
    writeFileSync(stamp, key);
    say(`${step.name}: done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
  }
}

if (Number(process.versions.node.split('.')[0]) < 20) {
  fail(`expected Node.js 20 or later, got ${process.version}; install a newer one from https://nodejs.org`);
}
if (steps.some(reason)) withLock(join(root, '.prepare.lock'), say, prepare);
