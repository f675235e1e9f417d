// The tests that piscina publishes with itself, run against itself and against the adapter.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { excluded } from './piscina-excluded.mjs';

const root = fileURLToPath(new URL('../..', import.meta.url));
const require = createRequire(import.meta.url);
const original = join(dirname(require.resolve('piscina')), '..');
const tsx = pathToFileURL(require.resolve('tsx')).href;
const MOST_SECONDS = 60;
/** Some tests depend on times, and fail now and then with the original too. */
const MOST_TRIES = 3;

const built = (name) => JSON.stringify(join(root, 'dist/compat/piscina', name));
/** What the tests import beside the package, from the adapter's own files. */
const shims = {
  'main.js': `module.exports = require(${built('index.js')});`,
  'index.js': `module.exports = require(${built('index.js')});`,
  'esm-wrapper.mjs': `export { default } from ${built('index.mjs')}; export * from ${built('index.mjs')};`,
  'symbols.js': `exports.kQueueOptions = require(${built('index.js')}).queueOptionsSymbol;`,
  'common.js': `
const { isMovable, isTransferable, markMovable } = require(${built('symbols.js')});
module.exports = { isMovable, isTransferable, markMovable, getAvailableParallelism: require('node:os').availableParallelism };`,
  'worker_pool/index.js': '',
};

/** The package with its tests; inside the checkout, so that what they import is found. */
function place(useAdapter) {
  const folder = mkdtempSync(join(root, 'test', 'published-'));
  cpSync(join(original, 'test'), join(folder, 'test'), { recursive: true });
  cpSync(join(original, 'package.json'), join(folder, 'package.json'));
  cpSync(join(original, 'src'), join(folder, 'src'), { recursive: true });
  if (useAdapter) {
    for (const [name, text] of Object.entries(shims)) {
      mkdirSync(dirname(join(folder, 'dist', name)), { recursive: true });
      writeFileSync(join(folder, 'dist', name), text);
    }
  } else {
    symlinkSync(join(original, 'dist'), join(folder, 'dist'));
  }
  return folder;
}

/** Tests of one file: what passed and what failed, by name. */
function run(folder, file) {
  return new Promise((resolve) => {
    const args = [
      '--enable-source-maps',
      '--import',
      tsx,
      '--test',
      '--test-reporter',
      'tap',
      join(folder, 'test', file),
    ];
    const child = spawn(process.execPath, args, {
      cwd: folder,
      detached: true,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    let output = '';
    child.stdout.on('data', (data) => (output += data));
    const timer = setTimeout(() => process.kill(-child.pid, 'SIGKILL'), MOST_SECONDS * 1000);
    child.on('close', () => {
      clearTimeout(timer);
      const outcomes = [...output.matchAll(/^ *(not ok|ok) \d+ - (.*?)( # (?:SKIP|TODO).*)?$/gm)]
        .filter(([, , name]) => !name.endsWith(file)) // the file itself
        .map(([, ok, name, skipped]) => ({ name, ok: ok === 'ok', skipped: skipped !== undefined }));
      resolve({ outcomes, output });
    });
  });
}

/** Takes the excluded tests out of the files. */
function exclude(folder) {
  for (const [file, reasons] of Object.entries(excluded)) {
    const path = join(folder, 'test', file);
    if (typeof reasons === 'string') {
      rmSync(path);
      continue;
    }
    let text = readFileSync(path, 'utf8');
    for (const name of Object.keys(reasons)) {
      const parts = text.split(
        new RegExp(
          `(?<=^|\\n)(\\s*)(test|it)\\((?=(['"\`])${name.replace(/[.*+?^$\{}()|[\]\\]/g, '\\$&')}\\3)`,
        ),
      );
      assert(parts.length > 1, `${file} has no test "${name}"`);
      text = text.replaceAll(
        new RegExp(
          `(^|\\n)(\\s*)(test|it)\\((?=(['"\`])${name.replace(/[.*+?^$\{}()|[\]\\]/g, '\\$&')}\\4)`,
          'g',
        ),
        '$1$2$3.skip(',
      );
    }
    writeFileSync(path, text);
  }
}

async function score(useAdapter) {
  const folder = place(useAdapter);
  try {
    if (useAdapter) exclude(folder);
    const files = readdirSync(join(folder, 'test'))
      .filter((name) => name.endsWith('.test.ts'))
      .sort();
    const began = performance.now();
    const failed = [];
    const again = [];
    let passed = 0;
    for (const file of files) {
      let outcomes, output, ran;
      for (let tries = 0; tries < MOST_TRIES && (tries === 0 || ran.some(({ ok }) => !ok)); tries++) {
        if (tries > 0) again.push(file);
        ({ outcomes, output } = await run(folder, file));
        ran = outcomes.filter(({ skipped }) => !skipped);
      }
      passed += ran.filter(({ ok }) => ok).length;
      failed.push(...ran.filter(({ ok }) => !ok).map(({ name }) => `${file}: ${name}`));
      if (ran.length === 0 && outcomes.length === 0) failed.push(`${file}: did not end`);
      if (process.env.VERBOSE && ran.some(({ ok }) => !ok)) console.log(output);
    }
    return { passed, failed, again, seconds: (performance.now() - began) / 1000 };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** @throws AssertionError if a test fails with the adapter that is not excluded */
export default async function piscina() {
  const { version } = JSON.parse(readFileSync(join(original, 'package.json'), 'utf8'));
  const theirs = await score(false);
  const ours = await score(true);
  const tell = ({ passed, failed, again, seconds }) =>
    `${passed} pass, ${failed.length} fail, in ${seconds.toFixed(0)} s` +
    (again.length > 0 ? `; once more: ${again.join(', ')}` : '');
  console.log(`the tests of piscina ${version}: with itself ${tell(theirs)}`);
  for (const name of theirs.failed) console.log(`  fails with itself: ${name}`);
  console.log(`  forkful/compat/piscina: ${tell(ours)}`);
  for (const [file, reasons] of Object.entries(excluded)) {
    const listed = typeof reasons === 'string' ? [['all', reasons]] : Object.entries(reasons);
    for (const [name, reason] of listed) console.log(`  excluded: ${file}: ${name}: ${reason}`);
  }
  assert.deepEqual(ours.failed, []);
}
