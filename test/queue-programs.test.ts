import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { delimiter, join } from 'node:path';
import { backend } from 'forkful';
import { availableMemory } from './available-memory';

const program = join(__dirname, 'fixtures', 'queue-programs.cjs');
const nativeTests = join(__dirname, '..', 'build', 'Release', 'native_tests');
const MIB = 2 ** 20;
/** What a queue keeps, whatever was in it: 3 MiB, a chunk that is not full, its header. */
const KEPT = 5 * MIB;

/** What the program says, line by line; it must end well. */
function lines(args: readonly string[], through: readonly string[] = []): unknown[] {
  const [command, ...rest] = [...through, process.execPath, '--expose-gc', program, ...args];
  const { stdout, stderr, status, signal } = spawnSync(command!, rest, {
    encoding: 'utf8',
    timeout: 110_000,
  });
  expect({ stderr, status, signal }).toEqual({ stderr: '', status: 0, signal: null });
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((line) => JSON.parse(line) as unknown);
}
const run = (...args: string[]): unknown => lines(args)[0];
/** What `traffic` says when nothing is lost and nothing comes twice. */
const whole = (count: number) => ({ count, different: count, sum: (count * (count - 1)) / 2 });

const hasTaskset = (process.env['PATH'] ?? '')
  .split(delimiter)
  .some((folder) => existsSync(join(folder, 'taskset')));

describe('memory', () => {
  const enough = availableMemory() > 4096 * MIB;
  if (!enough) console.warn('left out: a message of 1 GiB, which takes 4 GiB of memory');

  (enough ? test : test.skip)(
    'a Buffer of 1 GiB passes, and its memory goes back',
    () => {
      const { seen, real } = run('gigabyte') as { seen: number[]; real: number };
      expect(seen).toEqual([2 ** 30, 1, 2, 3]);
      expect(real).toBeLessThan(3 * KEPT); // of all rings of the process
    },
    120_000,
  );

  test('200 MB in a million messages, whose producer has ended, are read; their memory goes back', () => {
    const found = run('million') as {
      full: { items: number; real: number };
      drained: number;
      closed: number;
    };
    expect(found).toMatchObject({ full: { items: 1e6 }, read: 1e6, sound: true });
    expect(found.full.real).toBeGreaterThan(200e6);
    expect(found.drained).toBeLessThan(3 * KEPT);
    expect(found.closed).toBeLessThan(found.drained);
  }, 120_000);

  test('producers and consumers that are killed midway leave nothing behind', () => {
    const { before, after, drained } = run('killed') as { before: object; after: object; drained: number };
    expect(after).toEqual(before);
    expect(drained).toBeLessThan(3 * KEPT);
  }, 120_000);

  test('10,000 queues and 1,000 pipes that come and go leave nothing behind', () => {
    const { before, after, grown } = run('comeAndGo', '10000') as {
      before: object;
      after: object;
      grown: number;
    };
    expect(after).toEqual(before);
    expect(grown).toBeLessThan(100 * MIB);
  }, 120_000);
});

// The child_process backend has none.
(backend().name === 'native' ? describe : describe.skip)('names', () => {
  test('10,000 queues with names that come and go leave nothing behind', () => {
    const { before, after, grown } = run('namesComeAndGo', '10000') as {
      before: { names: number };
      after: object;
      grown: number;
    };
    expect(before.names).toBe(1);
    expect(after).toEqual(before);
    expect(grown).toBeLessThan(100 * MIB);
  }, 120_000);
});

describe('many and odd users', () => {
  test('64 processes on one queue', () => {
    expect(run('crowd', '64', '50')).toEqual(whole(32 * 50));
  }, 120_000);

  test('a worker thread, its children, the main thread and its children', () => {
    expect(run('thread')).toEqual({ inside: whole(1000), here: whole(1000), left: 0 });
  }, 120_000);

  if (!hasTaskset) console.warn('left out: everything on one CPU, which takes the program taskset');
  (hasTaskset ? test : test.skip)(
    `everything on one CPU of ${availableParallelism()}`,
    () => {
      expect(lines(['crowd', '8', '300'], ['taskset', '-c', '0'])).toEqual([whole(4 * 300)]);
    },
    120_000,
  );
});

describe('time', () => {
  test('who waits uses no CPU, blocking or not', () => {
    const { here, there, answers } = run('idle') as { here: number; there: number; answers: string[] };
    expect(answers).toEqual(['mine', 'end']);
    expect(here).toBeLessThan(50); // of 1000 ms
    expect(there).toBeLessThan(50);
  });

  test('signals without end neither lengthen nor shorten a wait, and lose nothing', () => {
    const empty = ['ERR_FORKFUL_EMPTY', true];
    expect(run('underFire')).toEqual({ late: [empty, empty], count: 2000, different: 2000 });
  }, 120_000);

  test('waits do not go by the clock of the day, which may be set: neither by Date nor in the kernel', () => {
    const through = [nativeTests, 'deny', 'waits by the clock of the day'];
    // sleep(1) does: it shows that the rule holds.
    expect(spawnSync(through[0]!, [...through.slice(1), 'sleep', '0.01']).signal).toBe('SIGSYS');
    expect(lines(['clockJumps'], through)).toEqual([new Array(4).fill(['ERR_FORKFUL_EMPTY', true])]);
  });
});

describe('a process lives on', () => {
  test.each([
    ['nobody', []],
    ['waits', [7]],
    ['aborted', ['AbortError']],
  ])('only while somebody waits for a queue (%s)', (how, said) => {
    expect(lines(['keepsAlive', how])).toEqual([...said, 'exit']);
  });
});
