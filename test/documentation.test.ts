import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as forkful from 'forkful';
import { hasSharedData, sharedDataTest } from './where';

const root = join(__dirname, '..');

/** Each document, its snippets in order, and what they print. */
const documents: Record<string, Record<string, RegExp>> = {
  'README.md': {
    'square.mjs': /^\d+ 144\n$/,
    'queue.mjs': /apple[^]*pear[^]*plum/,
    'pipe.mjs': /^Does it work\? Yes\.\n$/,
    'pool.mjs': /^1024\n\[ 1, 2, 3 \]\n(4\n5|5\n4)\n1\n4\n9\n$/,
  },
  'docs/queues.md': {
    'handles.mjs': /^hello world\n$/,
    'shutdown.mjs': /^10\n$/,
    'named.mjs': /^\{ id: 1 \}\n$/,
    'joinable.mjs': /^1\n4\n9\ndone\n$/,
  },
  'docs/locks.md': {
    'lock.mjs': /^only one process at a time is here\ntrue\n$/,
    'cron.mjs': /^reporting\n$/,
  },
  'docs/pool.md': {
    'verbs.mjs': /^144\n\[ 1, 4, 9 \]\n1\n4\n9\n81\n$/,
    'stop.mjs': /^TimeoutError\nAbortError\nCancelledError\n$/,
  },
  ...(hasSharedData && {
    'docs/shm.md': {
      'there-and-back.mjs': /^1000\n$/,
      'records.mjs': /^<Buffer 00 00 00>\n<Buffer 01 01 01>\n<Buffer 02 02 02>\nundefined 2 2\n$/,
    },
  }),
  'docs/pipes.md': {
    'bytes.mjs': /^hello\n$/,
    'wait.mjs': /^true hello\ntrue 0\n\[\]\n$/,
  },
};

describe.each(Object.entries(documents))('%s', (document, expected) => {
  const folder = mkdtempSync(join(root, 'test', 'snippets-')); // inside, so that `forkful` resolves to this package
  afterAll(() => rmSync(folder, { recursive: true }));

  const snippets = [...readFileSync(join(root, document), 'utf8').matchAll(/```js\n\/\/ (\S+)\n([^]*?)```/g)];

  test('has the snippets that are expected', () => {
    expect(snippets.map(([, name]) => name)).toEqual(Object.keys(expected));
  });

  test.each(snippets.map(([, name, code]) => [name!, code!]))('%s runs as written', (name, code) => {
    const file = join(folder, name);
    writeFileSync(file, code);
    expect(execFileSync(process.execPath, [file], { encoding: 'utf8', timeout: 20_000 })).toMatch(
      expected[name]!,
    );
  });
});

sharedDataTest('the snippet of docs/shared-memory.md runs as written', () => {
  const [, code = ''] =
    /```js\n([^]*?)```/.exec(readFileSync(join(root, 'docs', 'shared-memory.md'), 'utf8')) ?? [];
  const folder = mkdtempSync(join(root, 'test', 'docs-'));
  try {
    const file = join(folder, 'snippet.mjs');
    writeFileSync(file, code);
    const out = execFileSync(process.execPath, [file], { encoding: 'utf8', timeout: 20_000 });
    expect(out).toBe('1000000 1\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
});

test('every error class has its heading in docs/errors.md', () => {
  const headings = readFileSync(join(root, 'docs', 'errors.md'), 'utf8').match(/^## \S+$/gm);
  const codes = Object.values(forkful)
    .filter(
      (value): value is typeof forkful.ForkfulError =>
        typeof value === 'function' && /Error$/.test(value.name),
    )
    .map((Class) => new Class('').code)
    .filter((code) => code !== 'ERR_FORKFUL');
  expect(codes.length).toBeGreaterThan(15);
  expect(headings).toEqual(expect.arrayContaining(codes.map((code) => `## ${code}`)));
  expect(headings).toHaveLength(codes.length);
});
