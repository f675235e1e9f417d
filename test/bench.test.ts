import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { pathToFileURL } from 'node:url';
import { join } from 'node:path';
import { forkful } from './cli';

const bench = (file: string) => pathToFileURL(join(__dirname, '../bench', file)).href;

/** Evaluates an expression over what a module of the benchmarks exports; they are ES modules, which jest does not load. */
function evaluate(file: string, expression: string): unknown {
  const program = `import * as m from ${JSON.stringify(bench(file))}; console.log(JSON.stringify(await (${expression})))`;
  return JSON.parse(
    execFileSync(process.execPath, ['--input-type=module', '-e', program], { encoding: 'utf8' }),
  );
}

describe('statistics', () => {
  test('the median, of odd and even numbers of values', () => {
    expect(evaluate('measure.mjs', '[m.median([9, 1, 5]), m.median([4, 1, 3, 2]), m.median([7])]')).toEqual([
      5, 2.5, 7,
    ]);
  });

  test('a ratio pairs the values of one round', () => {
    expect(evaluate('measure.mjs', 'm.ratio([10, 40, 90], [5, 10, 30])')).toBe(3);
  });

  test('counts grow until a job takes long enough, and the first job never counts', () => {
    const counts = evaluate(
      'measure.mjs',
      `(async () => {
        const counts = [];
        await m.timeOfOne((count) => { counts.push(count); }, { milliseconds: Infinity, first: 2, most: 40 });
        return counts;
      })()`,
    );
    expect(counts).toEqual([2, 2, 32, 40]);
  });
});

describe('the order of runs', () => {
  const interleave = (timing: string, b = `async () => 2`) =>
    evaluate(
      'measure.mjs',
      `(async () => {
        const order = [];
        let clock = 0;
        const candidate = (who, act) => ({ who, measure: async () => { order.push(who); clock += 10; return act(); } });
        const rows = await m.interleave(
          [candidate('a', async () => 1), candidate('b', ${b})],
          { now: () => clock, ...${timing} },
        );
        return { order: order.join(''), rows: rows.map(({ who, values, failure }) => [who, values, failure?.message]) };
      })()`,
    );

  test('candidates take turns', () => {
    expect(interleave('{ rounds: 3, milliseconds: 1000 }')).toEqual({
      order: 'ababab',
      rows: [
        ['a', [1, 1, 1], null],
        ['b', [2, 2, 2], null],
      ],
    });
  });

  test('no round is begun that would not end in time, but one there always is', () => {
    expect(interleave('{ rounds: 9, milliseconds: 45 }')).toMatchObject({ order: 'abab' });
    expect(interleave('{ rounds: 9, milliseconds: 1 }')).toMatchObject({ order: 'ab' });
  });

  test('what fails is left out from then on', () => {
    expect(
      interleave('{ rounds: 2, milliseconds: 1000 }', `async () => { throw new Error('broken'); }`),
    ).toEqual({
      order: 'aba',
      rows: [
        ['a', [1, 1], null],
        ['b', [], 'broken'],
      ],
    });
  });
});

describe('verdicts', () => {
  const comparison = {
    figure: 'speed',
    better: 'more',
    rows: [
      { who: 'sync', kind: 'ours', values: [10, 12], value: 11 },
      { who: 'slow', kind: 'peer', threads: true, values: [1, 1], value: 1 },
      { who: 'fast', kind: 'peer', values: [5, 4], value: 4.5 },
      { who: 'broken', kind: 'ours', values: [], failure: 'it broke' },
      { who: 'away', kind: 'peer', values: [], failure: 'not installed', absent: true },
      { who: 'the machine', kind: 'limit', values: [20, 20], value: 20 },
    ],
  };
  const judge = (threshold: object) =>
    evaluate(
      'verdicts.mjs',
      `m.judge(${JSON.stringify({ figure: 'speed', issue: 1, ...threshold })}, [${JSON.stringify(comparison)}])`,
    );

  test('values and ratios against both kinds of thresholds', () => {
    expect(judge({ who: 'sync', atLeast: 11 })).toMatchObject({ state: 'reached', value: 11 });
    expect(judge({ who: 'sync', atMost: 10 })).toMatchObject({ state: 'short', wanted: '≤ 10' });
    expect(judge({ who: 'sync', over: 'best peer', atLeast: 3 })).toMatchObject({
      state: 'short',
      value: 2.5,
    });
    expect(judge({ who: 'sync', over: 'limit', atLeast: 0.5 })).toMatchObject({
      state: 'reached',
      value: 0.55,
    });
    expect(judge({ who: 'sync', over: 'slow', atLeast: 11 })).toMatchObject({
      name: 'sync: speed ÷ slow',
      state: 'reached',
    });
  });

  test('what broke falls short; what does not exist yet is not measured', () => {
    expect(judge({ who: 'broken', atLeast: 1 })).toMatchObject({ state: 'short', why: 'it broke' });
    expect(judge({ who: 'later', atLeast: 1 })).toMatchObject({ state: 'not measured' });
    expect(judge({ who: 'sync', figure: 'later', atLeast: 1 })).toMatchObject({ state: 'not measured' });
    expect(judge({ who: 'sync', over: 'away', atLeast: 1 })).toMatchObject({
      state: 'not measured',
      why: 'away: not installed',
    });
  });
});

test('a suite is measured, reported and judged', () => {
  const result = evaluate(
    'harness.mjs',
    `(async () => {
      const lines = [];
      const suite = {
        comparisons: () => [{ figure: 'speed', unit: 'x/s', better: 'more', candidates: [
          { who: 'sync', kind: 'ours', measure: async () => 3 },
          { who: 'other', kind: 'peer', measure: async () => 2 },
          { who: 'gone', kind: 'peer', measure: async () => { throw new Error('not there') } },
        ] }],
        run: () => ({ lines: ['a table'], data: [1], verdicts: [{ name: 'hangs', wanted: 'yes', state: 'short' }] }),
      };
      const { results, short } = await m.runSuites(['fake'], {
        load: async () => suite,
        quick: true,
        show: (more) => lines.push(...more),
        thresholds: [
          { suite: 'fake', who: 'sync', figure: 'speed', over: 'best peer', atLeast: 2, issue: 1 },
          { suite: 'fake', who: 'sync', figure: 'speed', atLeast: 3, issue: 1 },
          { suite: 'another', who: 'sync', figure: 'speed', atLeast: 99, issue: 1 },
        ],
      });
      return { text: lines.join('\\n'), short: short.map(({ name }) => name), rows: results.fake.comparisons[0].rows.length };
    })()`,
  ) as { text: string; short: string[]; rows: number };
  expect(result.rows).toBe(3);
  expect(result.short).toEqual(['sync: speed ÷ best peer', 'hangs']);
  expect(result.text).toContain('gone');
  expect(result.text).toContain('not there');
  expect(result.text).toContain('a table');
});

test('every threshold names what it is about, and one bound', () => {
  const thresholds = evaluate('thresholds.mjs', 'm.thresholds') as Record<string, unknown>[];
  expect(thresholds.length).toBeGreaterThan(40);
  for (const { who, figure, suite, issue, atLeast, atMost } of thresholds) {
    expect([typeof who, typeof figure, typeof suite, typeof issue]).toEqual([
      'string',
      'string',
      'string',
      'number',
    ]);
    expect([atLeast, atMost].filter((bound) => typeof bound === 'number')).toHaveLength(1);
  }
});

test('which CPUs may be used is read as the kernel writes it', () => {
  expect(
    evaluate('environment.mjs', `['0', '0-7', '3,5', '2-2,7-9', '1,4-5'].map((list) => m.usableCpus(list))`),
  ).toEqual([[0], [0, 1], [3, 5], [2, 7], [1, 4]]);
});

test('a wrong suite or option is refused, and says what there is', () => {
  const refused = (...args: string[]) => {
    try {
      execFileSync(process.execPath, [join(__dirname, '../bench/main.mjs'), ...args], { stdio: 'pipe' });
    } catch (error) {
      return error as { status: number; stderr: Buffer };
    }
    throw new Error('expected an exit code');
  };
  expect(refused('queues')).toMatchObject({ status: 2 });
  expect(refused('queues').stderr.toString()).toContain('calibration, shm, queue, pipe');
  expect(refused('--fast').status).toBe(2);
});

describe('the command', () => {
  const folder = mkdtempSync(join(tmpdir(), 'forkful-bench-'));
  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  const row = (who: string, kind: string, value: number) => ({
    who,
    kind,
    values: [value],
    value,
    least: value,
    most: 2 * value,
    toLimit: 0.5,
    toBestPeer: 2,
  });
  const measured = {
    better: 'more',
    unit: 'msg/s',
    rows: [row('sync', 'ours', 4000), row('a | b', 'peer', 2000)],
  };
  const report = {
    machine: {
      cpu: 'Some CPU',
      cpus: 2,
      memoryGB: 8,
      kernel: '6.1',
      node: 'v20.0.0',
      date: '2026-01-02T03:04:05Z',
    },
    quick: true,
    command: 'forkful bench --quick',
    suites: {
      queue: {
        comparisons: [
          { figure: '64 B Buffers', ...measured },
          {
            figure: 'a row that failed',
            ...measured,
            rows: [{ ...row('x', 'peer', 1), value: undefined, failure: 'is missing' }],
          },
        ],
      },
      sizes: {
        comparisons: [8, 64].map((at) => ({
          figure: `${at} B`,
          along: { what: 'size', at, name: `${at} B` },
          ...measured,
        })),
      },
      latency: {
        comparisons: [],
        table: [
          {
            figure: 'round trips',
            unit: 'µs',
            rows: [
              {
                who: 'forkful sync',
                kind: 'ours',
                count: 3,
                p50: 10,
                p90: 11,
                p99: 12,
                p999: 12,
                max: 12,
                bins: { 20: 2, 21: 1 },
              },
            ],
          },
        ],
      },
    },
  };

  test('tables and charts of a run that was kept as JSON', () => {
    const [from, file, charts] = ['run.json', 'run.md', 'charts'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    writeFileSync(from, JSON.stringify(report));
    const { status, stderr } = forkful(['bench', '--from', from, '--markdown', file, '--charts', charts]);
    expect([status, stderr]).toEqual([0, '']);
    const text = readFileSync(file, 'utf8');
    expect(text).toContain(
      'Made by `forkful bench --quick` on 2026-01-02: Some CPU, 2 CPUs, 8 GB, Linux 6.1, Node v20.0.0.',
    );
    expect(text).toContain('| **forkful sync** | 4,000 | 4,000 – 8,000 | 0.500 | 2.00 |');
    expect(text).toContain('| a \\| b | 2,000 |');
    expect(text).toContain('| x | is missing |');
    const pictures = [...text.matchAll(/!\[.*\]\((.*)\)/g)].map(([, path]) => path!);
    expect(pictures).toEqual([
      'charts/queue-64-b-buffers.svg',
      'charts/sizes-by-size.svg',
      'charts/latency-round-trips.svg',
    ]);
    for (const path of pictures) {
      const svg = readFileSync(join(folder, path), 'utf8');
      expect(svg).toMatch(/^<svg [\s\S]*forkful sync[\s\S]*<\/svg>\n$/);
    }
  });

  test('what it does not know', () => {
    expect(forkful(['bench', 'nonsense'])).toMatchObject({
      status: 2,
      stderr: expect.stringMatching(/^expected a suite \(calibration, .*\), got "nonsense"\n\nusage: /),
    });
    expect(forkful(['bench', '--nonsense']).status).toBe(2);
    expect(forkful(['bench', '--help'])).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('--charts FOLDER'),
    });
  });
});
