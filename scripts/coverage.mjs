// npm run coverage -- [jest's arguments]: the suite with V8's coverage of this process and all its children, and what share of
// the lines of lib/ it reached. With --keep what earlier runs reached counts too; --lines N is the least share (90).
import { spawnSync } from 'node:child_process';
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { isAbsolute, join, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const raw = join(root, 'coverage', 'raw');
const dist = join(root, 'dist') + sep;
const threads = join(root, 'scripts', 'coverage-threads.cjs');

const args = process.argv.slice(2);
const keep = args.includes('--keep');
const lines = args.includes('--lines') ? args[args.indexOf('--lines') + 1] : '90';
const forJest = args.filter(
  (text, i) => text !== '--keep' && text !== '--lines' && args[i - 1] !== '--lines',
);

/** What Jest puts behind a module that it loads; what it puts before has a length that depends on its globals. */
const BEHIND = '\n}});'.length;

/** Jest wraps modules in a function and compiles that as a script by its path: as if Node had loaded it, from a file: URL. */
function withoutWrapper({ scriptId, url, functions }) {
  const length = readFileSync(url, 'utf8').length;
  const before = functions[0].ranges[0].endOffset - BEHIND - length;
  const place = (offset) => Math.min(length, Math.max(0, offset - before));
  const inside = functions.slice(1).map((each, i) => ({
    ...each,
    functionName: i === 0 ? '' : each.functionName, // the wrapper itself stands for the module
    ranges: each.ranges.map(({ startOffset, endOffset, count }) => ({
      startOffset: place(startOffset),
      endOffset: place(endOffset),
      count,
    })),
  }));
  return { scriptId, url: pathToFileURL(url).href, functions: inside };
}

/** Leaves what is about dist/, which is what counts and a small part of all. */
function prune(file) {
  const { result = [], ...rest } = JSON.parse(readFileSync(file, 'utf8'));
  const ours = result.flatMap((script) => {
    const path = script.url.startsWith('file:') ? fileURLToPath(script.url) : script.url;
    if (!isAbsolute(path) || !path.startsWith(dist) || script.functions.length === 0) return [];
    return script.url === path ? [withoutWrapper(script)] : [script];
  });
  delete rest['source-map-cache'];
  if (ours.length === 0) rmSync(file);
  else writeFileSync(file, JSON.stringify({ ...rest, result: ours }));
}

/** Files that only have types: nothing of them can run. */
function typesOnly() {
  return readdirSync(dist, { recursive: true })
    .filter((name) => name.endsWith('.js'))
    .filter((name) =>
      /^"use strict";\s*Object\.defineProperty\(exports, "__esModule", \{ value: true \}\);\s*\/\/# sourceMappingURL=\S+\s*$/.test(
        readFileSync(join(dist, name), 'utf8'),
      ),
    )
    .map((name) => `lib/${name.replaceAll(sep, '/').replace(/js$/, 'ts')}`);
}

if (!keep) rmSync(raw, { recursive: true, force: true });
mkdirSync(raw, { recursive: true });
const tests = spawnSync(
  process.execPath,
  [join(root, 'node_modules', 'jest', 'bin', 'jest.js'), '--testTimeout=120000', ...forJest],
  {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...process.env,
      NODE_V8_COVERAGE: raw,
      NODE_OPTIONS: `${process.env.NODE_OPTIONS ?? ''} --require=${threads}`,
    },
  },
);
for (const name of readdirSync(raw)) {
  try {
    prune(join(raw, name));
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
    rmSync(join(raw, name)); // of a process that was killed while it wrote
  }
}
const report = spawnSync(
  process.execPath,
  [
    join(root, 'node_modules', 'c8', 'bin', 'c8.js'),
    'report',
    `--temp-directory=${raw}`,
    `--reports-dir=${join(root, 'coverage')}`,
    '--src=lib',
    '--all',
    '--extension=.ts',
    '--extension=.mts',
    '--extension=.js',
    '--extension=.mjs',
    '--include=lib/**',
    ...typesOnly().map((name) => `--exclude=${name}`),
    '--exclude-after-remap',
    '--merge-async',
    '--reporter=text',
    '--reporter=html',
    '--reporter=json-summary',
    '--check-coverage',
    `--lines=${lines}`,
  ],
  { cwd: root, stdio: 'inherit' },
);
process.exit(tests.status || report.status || 0);
