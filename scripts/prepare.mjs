// Brings a checkout into a state in which it runs: dependencies, addon, TypeScript; each only when it is missing or
// older than its sources. Depends on nothing but Node, because it runs before anything is installed.
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmdirSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const LOCK = join(root, '.prepare.lock');
const LOCK_PATIENCE = 10 * 60 * 1000;

function say(text) {
  process.stderr.write(`prepare: ${text}\n`);
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

function run(command, args, whatIfItFails) {
  const result = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32',
  });
  if (result.status === 0) return;
  say(
    `${[command, ...args].join(' ')} failed${result.error ? `: ${result.error.message}` : ''}. ${whatIfItFails}`,
  );
  process.exit(1);
}

/** Does a step unless its stamp says that it was done for the same inputs. */
function step({ name, stamp, key, present, act }) {
  const file = join(root, stamp);
  const before = existsSync(file) ? readFileSync(file, 'utf8') : undefined;
  if (before === key && present()) return;
  say(`${name} (${before === undefined || !present() ? 'not done yet' : 'its sources changed'})`);
  const started = Date.now();
  act();
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, key);
  say(`${name}: done in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}

/** One at a time: two commands may start together. A lock whose owner has died is taken over. */
function withLock(act) {
  const deadline = Date.now() + LOCK_PATIENCE;
  for (;;) {
    try {
      mkdirSync(LOCK);
      break;
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      const age = Date.now() - (statSync(LOCK, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
      if (age > LOCK_PATIENCE || Date.now() > deadline) rmdirSync(LOCK);
      else Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 200);
    }
  }
  const release = () => {
    if (existsSync(LOCK)) rmdirSync(LOCK);
  };
  process.on('exit', release);
  for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => process.exit(1));
  act();
}

if (Number(process.versions.node.split('.')[0]) < 20) {
  say(`expected Node.js 20 or later, got ${process.version}; install a newer one from https://nodejs.org`);
  process.exit(1);
}

withLock(() => {
  step({
    name: 'installing dependencies with npm install',
    stamp: 'node_modules/.forkful-stamp',
    key: digest(['package.json', 'package-lock.json']),
    present: () => existsSync(join(root, 'node_modules', 'typescript')),
    // Not `npm ci`: it insists on the optional binaries of other platforms, which not every registry has.
    act: () =>
      run(
        'npm',
        ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'],
        'Is the registry reachable?',
      ),
  });
  step({
    name: 'compiling the addon with node-gyp',
    stamp: 'build/.forkful-stamp',
    key: digest(['native', 'binding.gyp'], process.versions.modules, process.arch),
    present: () => existsSync(join(root, 'build', 'Release', 'forkful.node')),
    act: () =>
      run(
        'npm',
        ['run', '--silent', 'build:native', '--', '--loglevel=error'],
        'It needs python3, make and g++ 11 or later (Debian: apt-get install python3 make g++).',
      ),
  });
  step({
    name: 'compiling TypeScript',
    stamp: 'dist/.forkful-stamp',
    key: digest(['lib', 'tsconfig.json']),
    present: () => existsSync(join(root, 'dist', 'index.js')),
    act: () => run('npm', ['run', '--silent', 'build:ts'], 'The compiler says where.'),
  });
});
