import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

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

let program;
let failure;

/** The path of the compiled programs; its name says what it was compiled from, so it is never stale. */
export function limitsProgram() {
  if (failure !== undefined) throw failure; // compiling is not tried again and again
  try {
    return (program ??= compile());
  } catch (error) {
    throw (failure = error);
  }
}

function compile() {
  const hash = createHash('sha256');
  for (const file of [...filesOf('native/core'), ...filesOf('bench/native')])
    hash.update(readFileSync(join(root, file)));
  const folder = join(root, 'bench/build');
  const result = join(folder, `limits-${hash.digest('hex').slice(0, 12)}`);
  if (!existsSync(result)) {
    process.stderr.write('bench: compiling the programs that measure this machine\n');
    mkdirSync(folder, { recursive: true });
    const sources = filesOf('bench/native').filter((file) => file.endsWith('.cc'));
    const unfinished = `${result}.${process.pid}`;
    execFileSync(
      process.env.CXX ?? 'g++',
      [
        '-std=c++20',
        '-O2',
        '-Wall',
        '-Wextra',
        '-Inative',
        '-Ibench/native',
        '-o',
        unfinished,
        ...sources,
        ...coreSources(),
        '-lpthread',
      ],
      { cwd: root, stdio: ['ignore', 'inherit', 'inherit'] },
    );
    renameSync(unfinished, result);
  }
  return result;
}
