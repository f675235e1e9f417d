import { execFileSync, spawn } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PNG } from 'pngjs';
import { sharedDataTest } from './where';

const EXAMPLES = join(__dirname, '..', 'examples');
const DEMO = join(EXAMPLES, 'demo', 'main.mjs');
const SLOW_MS = 120_000;

interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

function run(args: readonly string[]): Promise<Ended> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'], timeout: SLOW_MS });
    let stdout = '';
    let stderr = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    child.on('error', reject);
    child.on('close', (code, signal) => resolve({ code, signal, stdout, stderr }));
  });
}

/** The lines that match, as their groups. */
function all(text: string, pattern: RegExp): string[][] {
  return [...text.matchAll(pattern)].map((match) => match.slice(1));
}

describe.each([
  ['javascript', 'mjs', []],
  ['typescript', 'mts', ['--import', 'tsx']],
])('the lessons in %s', (folder, extension, loader) => {
  async function transcript(name: string, ...args: string[]): Promise<string> {
    const file = join(EXAMPLES, folder, `${name}.${extension}`);
    const { code, signal, stdout, stderr } = await run([...loader, file, ...args]);
    expect({ code, signal, stderr }).toEqual({ code: 0, signal: null, stderr: '' });
    return stdout;
  }

  test(
    '1: a dozen processes introduce themselves, are seen in the tree, and are joined',
    async () => {
      const text = await transcript('1-processes');
      const main = /^MainProcess: pid (\d+)$/m.exec(text)?.[1];
      const introduced = all(
        text,
        /^(\S+) +pid (\d+), process\.ppid \d+, parentProcess\(\)\.pid (\d+), made from (a function|an object|a subclass)/gm,
      );
      expect(introduced).toHaveLength(12);
      expect(new Set(introduced.map(([name]) => name)).size).toBe(12);
      for (const [, , parent] of introduced) expect(parent).toBe(main);
      for (const way of ['a function', 'an object', 'a subclass']) {
        expect(introduced.filter(([, , , made]) => made === way)).toHaveLength(4);
      }
      const inTree = new Set(all(text, /└─ (\d+) /g).flat());
      for (const [, pid] of introduced) expect(inTree).toContain(pid);
      expect(text).toMatch(/All 12 have ended; exit codes: 0( 0){11}\n$/);
    },
    SLOW_MS,
  );

  test(
    '1b: without join the main program waits by itself, but not for the daemonic process',
    async () => {
      const text = await transcript('1b-without-join');
      for (const n of [1, 2, 3]) expect(text).toContain(`Process-${n} is done`);
      expect(text).not.toContain('Daemon is done');
      expect(text.indexOf('has joined nobody')).toBeLessThan(text.indexOf('is done'));
      expect(text).toMatch(/The main program exits\n$/);
    },
    SLOW_MS,
  );

  test(
    '2: nothing is shared; results come back by result(), Queue and Pipe',
    async () => {
      const text = await transcript('2-nothing-is-shared');
      expect(
        all(text, /in the child the array is now \[(\d+)\]/g)
          .flat()
          .map(Number)
          .sort((a, b) => a - b),
      ).toEqual([1, 4, 9, 16]);
      expect(text).toContain('here the array is still []');
      expect(text).toContain('result(): 1,4,9,16');
      const queued = /queue: ([\d,]+)/.exec(text)?.[1]?.split(',').map(Number) ?? [];
      expect(queued.sort((a, b) => a - b)).toEqual([1, 4, 9, 16]);
      expect(text).toContain('pipes: 1,4,9,16');
    },
    SLOW_MS,
  );

  test(
    '3: a queue shares work between children, and one hands fruit to another',
    async () => {
      const text = await transcript('3-queue');
      expect(all(text, /(\d) squared is (\d+), by Process-[12]/g)).toEqual(
        [1, 2, 3, 4, 5, 6].map((n) => [String(n), String(n * n)]),
      );
      const fruit = ['apple', 'pear', 'plum', 'fig', 'lime'];
      expect(all(text, /Farmer puts (\w+)/g).flat()).toEqual(fruit);
      expect(all(text, /Guest gets (\w+)/g).flat()).toEqual(fruit);
      expect(text).toContain('the basket is empty');
    },
    SLOW_MS,
  );

  test(
    '4: both ends of a pipe talk; the death of one is an error at the other',
    async () => {
      const text = await transcript('4-pipe');
      expect(text).toContain('Will it rain? Ask again later.');
      expect(text).toContain('the child sees that our end is closed');
      expect(text).toContain('its exit code is -9');
      expect(text).toContain('what it sent before is still there: two');
      expect(text).toContain('recv() rejects with EndOfFileError (ERR_FORKFUL_END_OF_FILE)');
      expect(text).toContain('send() rejects with BrokenPipeError (ERR_FORKFUL_BROKEN_PIPE)');
    },
    SLOW_MS,
  );

  test(
    '5: a pool maps, queues, and works on all tasks that are handed in before the first await',
    async () => {
      const text = await transcript('5-pool');
      expect(text).toMatch(/map: {2}100,200,300,400 after \d+ ms/);
      expect(all(text, /imap: (\d+) after/g).flat()).toEqual(['100', '200', '300', '400']);
      expect(text).toContain('2 to the 10th is 1024');
      expect(text).toContain('starmap: 8,9,625');
      const queued = all(text, /task (\d), in process (\d+)/g);
      expect(queued.map(([task]) => task)).toEqual(['1', '2', '3', '4', '5', '6']);
      expect(new Set(queued.map(([, pid]) => pid)).size).toBe(2);
      expect(text).toMatch(/4 x 250 ms took \d+ ms, in 2 processes at a time/);
      const [together, oneByOne] = all(text, /4 x 250 ms took (\d+) ms/g)
        .flat()
        .map(Number);
      expect(together).toBeLessThan(oneByOne ?? 0);
    },
    SLOW_MS,
  );

  sharedDataTest(
    '6: shared data is one and the same everywhere, whoever is killed in the middle of it',
    async () => {
      const text = await transcript('6-shared-memory');
      expect(text).toContain('the same as painted alone: true');
      expect(text).toContain('points: 180000');
      expect(text).toContain('4 x 10000 is 40000');
      expect(text).toContain('and yet: 40001');
      expect(text).toContain('Does it work? Yes.');
    },
    SLOW_MS,
  );

  sharedDataTest(
    '7: a picture is filtered in bands by a pool, the same as alone, and written as a PNG',
    async () => {
      const folder = mkdtempSync(join(tmpdir(), 'picture '));
      try {
        const file = join(folder, 'filtered.png');
        const text = await transcript('7-image-filter', file);
        expect(text).toMatch(/1200 x 800 pixels in (\d+) bands, by \1 workers: \d+ ms/);
        expect(text).toMatch(/in one process: \d+ ms, \d+\.\d times as long/);
        expect(text).toContain('every byte is the same: true');
        const { width, height, data } = PNG.sync.read(readFileSync(file));
        expect([width, height]).toEqual([1200, 800]);
        // Opaque everywhere, and blurred: a hard edge would have one neighbour that differs by much.
        let [alpha, steepest] = [255, 0];
        for (let i = 0; i < data.length; i += 4) {
          alpha = Math.min(alpha, data[i + 3] ?? 0);
          if ((i / 4) % width > 0)
            steepest = Math.max(steepest, Math.abs((data[i] ?? 0) - (data[i - 4] ?? 0)));
        }
        expect(alpha).toBe(255);
        expect(steepest).toBeGreaterThan(5);
        expect(steepest).toBeLessThan(60);
      } finally {
        rmSync(folder, { recursive: true });
      }
    },
    SLOW_MS,
  );
});

// By Node itself: a loader has a thread, which a copy of the program would not have.
const readsTypeScript = 'typescript' in process.features && process.features.typescript !== false;

describe.each(['javascript/8-fork.mjs', ...(readsTypeScript ? ['typescript/8-fork.mts'] : [])])(
  '%s',
  (name) => {
    sharedDataTest(
      'eight copies of the program read all of its 300 MB, and own little of it',
      async () => {
        const { code, stdout, stderr } = await run(['--single-threaded', join(EXAMPLES, name)]);
        expect({
          code,
          stderr: stderr.replace(/^.*(ExperimentalWarning|--trace-warnings).*\n/gm, ''),
        }).toEqual({ code: 0, stderr: '' });
        expect(Number(/entries, (\d+) MiB of heap/.exec(stdout)?.[1])).toBeGreaterThan(250);
        const children = all(
          stdout,
          /^child (\d): read (\d+) letters, found entry (\d+); .*: (\d+) % of the dictionary$/gm,
        ).map((row) => row.map(Number));
        expect(children.map(([child, , found]) => [child, found])).toEqual(
          Array.from({ length: 8 }, (_, i) => [i, 1000 * i]),
        );
        expect(new Set(children.map(([, letters]) => letters)).size).toBe(1);
        for (const [, , , percent] of children) expect(percent).toBeLessThanOrEqual(20);
      },
      SLOW_MS,
    );
  },
);

describe('the demo', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'demo '));
  });
  afterEach(() => {
    execFileSync('chmod', ['-R', 'u+rwX', folder]);
    rmSync(folder, { recursive: true });
  });

  const write = (name: string, text: string | Buffer) => writeFileSync(join(folder, name), text);

  interface Figures {
    readonly files: number;
    readonly processes: number;
    readonly speedUp: Readonly<Record<string, number>>;
    readonly poolToCopies?: number;
    readonly identical: boolean;
    readonly digests: readonly string[];
    readonly changed: number;
    readonly totals: Readonly<Record<string, number>>;
    readonly problems: Readonly<Record<string, number>>;
  }

  async function figures(...options: string[]): Promise<Figures> {
    const { code, signal, stdout, stderr } = await run([DEMO, folder, '--json', ...options]);
    if (code !== 0) throw new Error(`the demo ended by ${signal ?? code}: ${stderr}${stdout}`);
    return JSON.parse(stdout) as Figures;
  }

  test(
    'counts what is in files, functions and branches, three times the same',
    async () => {
      write('text.txt', 'one two\nthree\n');
      write('empty.js', '');
      write('module.js', 'export const f = (a) => a && (a ? 1 : 2);\n');
      write('script.cjs', '#!/usr/bin/env node\nif (x) return;\nclass C { m() { for (;;) break; } }\n');
      mkdirSync(join(folder, 'below'));
      write('below/more.mjs', 'try { await x } catch { switch (1) { case 1: default: } }');
      const { files, processes, identical, digests, totals, problems } = await figures('--processes', '2');
      expect({ files, processes, identical, problems }).toEqual({
        files: 5,
        processes: 2,
        identical: true,
        problems: {},
      });
      expect(new Set(digests).size).toBe(1);
      // complexity: an empty module 1; f 3 and its module 1; m 2 and its script 2; 1 + catch + case
      expect(totals).toMatchObject({
        files: 5,
        lines: 6,
        words: 46,
        javascript: 4,
        functions: 2,
        complexity: 12,
      });
    },
    SLOW_MS,
  );

  test(
    'reports and counts what it cannot read or parse, opens nothing special, and ends well',
    async () => {
      write('good.txt', 'good\n');
      write('bad.js', 'function (((');
      write('deep.js', `x = ${'('.repeat(50_000)}1${')'.repeat(50_000)}`);
      write('locked.txt', 'secret');
      chmodSync(join(folder, 'locked.txt'), 0);
      writeFileSync(Buffer.concat([Buffer.from(`${folder}/not-utf8-`), Buffer.of(0xff)]), 'x');
      execFileSync('mkfifo', [join(folder, 'fifo.js')]);
      symlinkSync('/dev/zero', join(folder, 'zero.js'));
      symlinkSync('.', join(folder, 'loop'));
      symlinkSync('self', join(folder, 'self'));
      symlinkSync('nowhere', join(folder, 'dangling'));
      const { code, stdout, stderr } = await run([DEMO, folder, '--all']);
      expect(code).toBe(0);
      expect(stdout).toContain('All 3 ways gave identical results for 4 files.');
      expect(stdout).toMatch(/bad\.js: Unexpected token/);
      expect(stdout).toMatch(/deep\.js: nested too deeply to parse/);
      expect(stdout).toMatch(/fifo\.js: a FIFO, never opened/);
      expect(stdout).toMatch(/loop: a link to a folder above it/);
      expect(stdout).toMatch(/self: a link that leads to itself/);
      expect(stdout).toMatch(/dangling: a link that leads nowhere/);
      expect(stdout).toMatch(/its name is not UTF-8/);
      if (process.getuid?.() !== 0) expect(stdout).toMatch(/locked\.txt: EACCES/);
      expect(stdout).toMatch(/pool, \d+ processes +\d+\.\d+ s +[\d,]+ +\d+\.\d\dx/);
      expect(stderr).toContain('plain loop: 4 files');
    },
    SLOW_MS,
  );

  test(
    'takes in its stride that files change, vanish and become something else meanwhile',
    async () => {
      for (let i = 0; i < 60; i++) write(`f${i}.txt`, Buffer.alloc(1_000_000, `${i} `));
      const ended = run([DEMO, folder, '--json']);
      // From the beginning to the end, so whatever the speed of this machine, between two passes too.
      let more = 0;
      const meddler = setInterval(() => {
        write('f0.txt', `changed ${more++}`);
        rmSync(join(folder, `f${more}.txt`), { force: true });
        if (more === 30) {
          rmSync(join(folder, 'f59.txt'), { force: true });
          execFileSync('mkfifo', [join(folder, 'f59.txt')]);
        }
      }, 50);
      const { code, stdout, stderr } = await ended;
      clearInterval(meddler);
      expect({ code, stderr: stderr.includes('Error') }).toEqual({ code: 0, stderr: false });
      const { identical, changed } = JSON.parse(stdout) as Figures;
      expect(identical).toBe(true);
      expect(changed).toBeGreaterThan(0);
    },
    SLOW_MS,
  );

  test(
    'an empty folder is no problem',
    async () => {
      expect(await figures()).toMatchObject({ files: 0, identical: true, problems: {} });
    },
    SLOW_MS,
  );

  test(
    'compares the pool with two independent copies of the loop',
    async () => {
      for (let i = 0; i < 10; i++)
        write(`f${i}.js`, `export function f(a) { return a || ${i}; }\n`.repeat(1));
      const { identical, speedUp, poolToCopies = NaN } = await figures('--two-copies');
      expect(identical).toBe(true);
      expect(poolToCopies).toBeCloseTo((speedUp['pool'] ?? NaN) / (speedUp['copies'] ?? NaN), 5);
    },
    SLOW_MS,
  );

  test.each([
    [['--processes', '0'], '--processes expects a whole number from 1 to 1024, got "0"'],
    [['--processes', 'many'], '--processes expects a whole number from 1 to 1024, got "many"'],
    [['/does/not/exist'], 'cannot look at the folder "/does/not/exist": ENOENT'],
    [[DEMO], 'expected a folder, got'],
    [['.', '.'], 'expected one folder at most, got 2'],
    [['--fast'], "Unknown option '--fast'"],
  ])('refuses %j, and says how it is used', async (options, message) => {
    const { code, stdout, stderr } = await run([DEMO, ...options]);
    expect({ code, stdout }).toEqual({ code: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain('Usage: npm run demo');
  });

  test('--help tells the options', async () => {
    const { code, stdout } = await run([DEMO, '--help']);
    expect(code).toBe(0);
    for (const option of ['DIR', '--processes', '--two-copies', '--json', '--all']) {
      expect(stdout).toContain(option);
    }
  });
});
