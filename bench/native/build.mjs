import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Unavailable } from '../comparison.mjs';
import { isCheckout } from '../environment.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));

function filesOf(folder) {
  return readdirSync(join(root, folder))
    .sort()
    .map((name) => join(folder, name));
}

/** The library's own sources, as binding.gyp lists them. */
function coreSources() {
  const list = execFileSync(process.execPath, ['scripts/gyp-sources.mjs', 'native_tests'], {
    cwd: root,
    encoding: 'utf8',
  });
  return list.split(';').filter((source) => source.startsWith('native/core/'));
}

const BUILD = join(root, 'bench/build');

/** Compiles what is not there yet; the name says what it was compiled from, so it is never stale. */
function compiled(name, inputs, args) {
  const hash = createHash('sha256');
  for (const file of inputs) hash.update(readFileSync(join(root, file)));
  const result = join(BUILD, name.replace('*', hash.digest('hex').slice(0, 12)));
  if (existsSync(result)) return result;
  process.stderr.write('bench: compiling the programs that measure this machine\n');
  mkdirSync(BUILD, { recursive: true });
  const unfinished = `${result}.${process.pid}`;
  const flags = ['-std=c++20', '-O2', '-Wall', '-Wextra', '-o', unfinished, ...args];
  execFileSync(process.env.CXX ?? 'g++', flags, { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] });
  renameSync(unfinished, result);
  return result;
}

/** Compiling is not tried again and again. */
function once(compile) {
  let result;
  let failure;
  return () => {
    if (failure !== undefined) throw failure;
    if (!isCheckout) throw new Unavailable('compiled from sources that only a checkout of the project has');
    try {
      return (result ??= compile());
    } catch (error) {
      throw (failure = error);
    }
  };
}

/** The path of the compiled programs. */
export const limitsProgram = once(() => {
  const own = filesOf('bench/native');
  const sources = [...own.filter((file) => file.endsWith('.cc')), ...coreSources()];
  return compiled(
    'limits-*',
    [...filesOf('native/core'), ...own],
    ['-Inative', '-Ibench/native', ...sources, '-lpthread'],
  );
});

const POLL = 'bench/addon/poll.cc';

/** The path of an addon that does nothing but to wake an event loop, and to hear of it. */
export const pollAddon = once(() => {
  const folders = [
    process.env.npm_config_nodedir,
    process.env.NODEDIR,
    join(dirname(process.execPath), '..'),
  ];
  const headers = folders
    .map((folder) => join(folder ?? '', 'include/node'))
    .find((folder) => existsSync(join(folder, 'uv.h')));
  if (headers === undefined) throw new Error("Node's headers are not installed");
  return compiled('poll-*.node', [POLL], ['-shared', '-fPIC', `-I${headers}`, POLL]);
});
