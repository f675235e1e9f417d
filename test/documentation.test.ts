import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import * as forkful from 'forkful';
import { hasSharedData, sharedDataTest } from './where';

const root = join(__dirname, '..');

const readme = {
  'square.mjs': /^\d+ 144\n$/,
  'queue.mjs': /apple[^]*pear[^]*plum/,
  'pipe.mjs': /^Does it work\? Yes\.\n$/,
  'pool.mjs': /^1024\n\[ 1, 2, 3 \]\n(4\n5|5\n4)\n1\n4\n9\n$/,
};

/** Each document, its snippets in order, and what they print. */
const documents: Record<string, Record<string, RegExp>> = {
  'README.md': readme,
  'README.zh-CN.md': readme,
  'docs/getting-started.md': {
    'count.mjs': /^true\n$/,
  },
  'docs/functions.md': {
    'ways.mjs': /^8\nb\.txt\n2\n50\n$/,
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
    'docs/start-methods.md': {
      'closure.mjs': /^able to fork\n$/,
    },
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

  const snippets = [
    ...readFileSync(join(root, document), 'utf8').matchAll(
      /```js\n\/\/ (\S+?)(?:: node (.*) \1)?\n([^]*?)```/g,
    ),
  ];

  test('has the snippets that are expected', () => {
    expect(snippets.map(([, name]) => name)).toEqual(Object.keys(expected));
  });

  test.each(snippets.map(([, name, flags, code]) => [name!, flags, code!]))(
    '%s runs as written',
    (name, flags, code) => {
      const file = join(folder, name);
      writeFileSync(file, code);
      expect(
        execFileSync(process.execPath, [...(flags?.split(' ') ?? []), file], {
          encoding: 'utf8',
          timeout: 20_000,
        }),
      ).toMatch(expected[name]!);
    },
  );
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

test('the Chinese README says what the English one does', () => {
  const [english, chinese] = ['README.md', 'README.zh-CN.md'].map((name) => {
    const text = readFileSync(join(root, name), 'utf8');
    const matches = (pattern: RegExp) => [...text.matchAll(pattern)].map((match) => match.slice(1).join(' '));
    return {
      code: matches(/```\w+\n([^]*?)```/g).map((code) => code.replace(/ +(\/\/|#) .*$/gm, '')),
      headings: matches(/^(#+) /gm),
      // The first two columns are code, but for 'the same'.
      tables: matches(/^\| (.*?) \| (`.*?`.*?) \|/gm),
      links: matches(/\]\(((?!README)[^)#]+)\)/g).sort(),
      commands: matches(/`(npx? [^`]+)`/g),
      items: matches(/^(- )\*\*/gm),
    };
  });
  expect(chinese).toEqual(english);
  expect(english!.tables.length).toBeGreaterThan(30);
});

/** The anchors that headings of a document have where it is read. */
function anchors(text: string): string[] {
  return [...text.matchAll(/^#+ (.*)$/gm)].map(([, heading]) =>
    heading!
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

test('links lead to files and headings that exist, and every page can be reached', () => {
  const isPage = (name: string) => name.endsWith('.md');
  const pages = readdirSync(join(root, 'docs'))
    .filter(isPage)
    .map((name) => `docs/${name}`);
  const broken: string[] = [];
  const reached = new Set<string>();
  for (const page of ['README.md', 'CONTRIBUTING.md', 'SECURITY.md', ...pages]) {
    const text = readFileSync(join(root, page), 'utf8');
    for (const [, link] of text.matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link!)) continue;
      const [path, anchor] = link!.split('#') as [string, string?];
      const target = path === '' ? page : join(dirname(page), path);
      reached.add(target.replaceAll('\\', '/'));
      const file = join(root, target);
      const isThere =
        existsSync(file) && (anchor === undefined || anchors(readFileSync(file, 'utf8')).includes(anchor));
      if (!isThere) broken.push(`${page}: ${link}`);
    }
  }
  expect(broken).toEqual([]);
  expect(pages.filter((page) => !reached.has(page))).toEqual([]);
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
