import { mkdtempSync, openSync, readdirSync, rmSync, statSync, writeSync, closeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';

/** What real jobs work on. */

const require = createRequire(import.meta.url);
const PACKAGES = [
  'undici',
  'eslint/package.json',
  'terser',
  'express',
  'pg',
  '@typescript-eslint/eslint-plugin',
];
/** Not the trivial ones, and none that takes longer than all others together. */
const [LEAST, MOST] = [4_000, 60_000];

function modulesIn(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return entry.name === 'node_modules' ? [] : modulesIn(path);
    const { size } = statSync(path);
    return entry.name.endsWith('.js') && size >= LEAST && size <= MOST ? [path] : [];
  });
}

/** File names of so many modules of packages that are installed anyway. */
export function modules(count) {
  const found = PACKAGES.flatMap((name) => modulesIn(dirname(require.resolve(name)))).sort();
  if (found.length < count) throw new Error(`only ${found.length} modules were found, not ${count}`);
  return found.slice(0, count);
}

/** Files of so many megabytes together, 16 each, in memory as far as the system has any. */
export function files(megabytes) {
  const folder = mkdtempSync(join(tmpdir(), 'forkful-bench-'));
  process.on('exit', () => rmSync(folder, { recursive: true }));
  const block = Buffer.alloc(1 << 20);
  return Array.from({ length: megabytes / 16 }, (_, i) => {
    const path = join(folder, `${i}`);
    const file = openSync(path, 'w');
    for (let j = 0; j < 16; j++) writeSync(file, block.fill(i * 16 + j));
    closeSync(file);
    return path;
  });
}
