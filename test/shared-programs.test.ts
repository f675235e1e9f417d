import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { existsSync } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';

const program = join(__dirname, 'fixtures', 'shared-programs.cjs');
const newName = () => `test-${process.env['FORKFUL_TEST_RUN'] ?? ''}-programs-${process.pid}-${Date.now()}`;
const fileOf = (name: string) => `/dev/shm/forkful-${process.geteuid?.() ?? 0}/memory.${name}`;

function run(...args: string[]): unknown {
  const options = { encoding: 'utf8', timeout: 25_000 } as const;
  const { stdout, stderr, status, signal } = spawnSync(
    process.execPath,
    ['--expose-gc', program, ...args],
    options,
  );
  expect({ stderr, status, signal }).toEqual({ stderr: '', status: 0, signal: null });
  return JSON.parse(stdout);
}

describe('memory goes', () => {
  test('when it is closed', () => {
    expect(run('closes', newName())).toEqual({
      before: { mappings: 7, files: 5 },
      after: { mappings: 1, files: 1 }, // of an array only a part of which was kept
      atLast: { mappings: 0, files: 0 },
      detached: 4,
    });
  });

  test('when it is forgotten', () => {
    expect(run('forgets', newName())).toMatchObject({ atLast: { mappings: 0, files: 0 } });
  });

  test('at once, also in a loop that never lets the event loop run', () => {
    const { grown, ...held } = run('closesInALoop') as { grown: number; mappings: number; files: number };
    expect(held).toEqual({ mappings: 0, files: 0 });
    expect(grown).toBeLessThan(2 ** 30); // of 4.7 GiB
  });

  test('what was moved to another ArrayBuffer stays that one’s', () => {
    expect(run('transfers')).toEqual({ stays: 3, length: 0, moved: [1, 2, 3] });
  });
});

describe('worker threads', () => {
  test('use shared data as the main thread does, and leave nothing', () => {
    expect(run('worker')).toEqual({
      inside: [2, { 0: 1, 1: 2 }, 1],
      during: { mappings: 2, files: 2 },
      atLast: { mappings: 0, files: 0 },
    });
  });

  test('that end while they hold a lock free it', () => {
    expect(run('terminated')).toEqual([false, true, true]);
  });

  test('that wait for a lock can be terminated', () => {
    expect(run('waits')).toBe('terminated');
  });
});

describe('names of unrelated programs', () => {
  const running: ChildProcess[] = [];

  async function start(...args: string[]): Promise<{ child: ChildProcess; said: unknown }> {
    const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
    running.push(child);
    const [line] = (await once(child.stdout!.setEncoding('utf8'), 'data')) as [string];
    return { child, said: JSON.parse(line) };
  }

  async function kill(child: ChildProcess): Promise<void> {
    child.kill('SIGKILL');
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }

  afterEach(async () => {
    for (const child of running.splice(0)) await kill(child);
  });

  test('lead to the same memory as long as anybody has it, and are gone when everybody was killed', async () => {
    const name = newName();
    expect(run('look', name)).toBe('ERR_FORKFUL_NOT_FOUND');
    const first = await start('create', name);
    expect(first.said).toBe('created');
    const second = await start('attach', name);
    expect(second.said).toBe(9);
    await kill(first.child);
    expect(run('look', name)).toBe(100); // a start of the library does not take it from the second one
    expect(existsSync(fileOf(name))).toBe(true);
    await kill(second.child);
    expect(run('look', `${name}-another`)).toBe('ERR_FORKFUL_NOT_FOUND'); // any start of the library
    expect(existsSync(fileOf(name))).toBe(false);
    const third = await start('create', name);
    expect(third.said).toBe('created');
    await kill(third.child);
    run('look', name);
    expect(existsSync(fileOf(name))).toBe(false);
  });
});
