import { memoryGroup, type MemoryGroup } from './cgroup';
import { join } from 'node:path';

const program = join(__dirname, 'fixtures', 'memory-programs.cjs');
const MIB = 2 ** 20;
const LIMIT = 320 * MIB;

const probe = memoryGroup(LIMIT);
void probe?.remove();
if (probe === undefined) {
  console.warn(
    'left out: what becomes of a process whose control group has no memory left. No such group can be made here ' +
      '(it takes root, or a delegated group with the controller of memory)',
  );
}
const groupTest = probe === undefined ? test.skip : test;

describe('without memory left puts and new memory are refused, and nobody is killed', () => {
  let group: MemoryGroup;
  beforeEach(() => {
    group = memoryGroup(LIMIT)!;
  });
  afterEach(() => group.remove());

  function run(...args: string[]): unknown {
    const { stdout, ...end } = group.run(program, ...args);
    expect({ ...end, oomKills: group.oomKills() }).toEqual({
      stderr: '',
      status: 0,
      signal: null,
      oomKills: 0,
    });
    return JSON.parse(stdout);
  }

  groupTest.each([MIB, 3000, 100_000, 40 * MIB])('a queue without bound, messages of %d bytes', (bytes) => {
    const found = run('unbounded', `${bytes}`) as {
      first: { code: string; count: number };
      second: { code: string; count: number };
      drained: number;
    };
    const full = 'ERR_FORKFUL_FULL';
    expect(found).toMatchObject({
      first: { code: full },
      async: full,
      sync: full,
      drained: found.first.count,
    });
    expect(found.second.code).toBe(full);
    // What was drained was given back: there is room for about as much again.
    expect(found.first.count * bytes).toBeGreaterThan(LIMIT / 4);
    expect(found.second.count).toBeGreaterThan(found.first.count / 2);
  });

  groupTest('one message that is too large', () => {
    expect(run('bigMessage', `${LIMIT * 2}`)).toEqual({
      codes: ['ERR_FORKFUL_FULL', 'ERR_FORKFUL_FULL'],
      small: 'small',
    });
  });

  groupTest.each([4096, 10 * MIB, LIMIT * 2])('SharedMemory of %d bytes', (bytes) => {
    const found = run('sharedMemory', `${bytes}`) as { code: string; count: number; again?: string };
    expect(found.code).toBe('ERR_FORKFUL_MEMORY');
    if (bytes > LIMIT) expect(found).toMatchObject({ count: 0, again: 'ERR_FORKFUL_MEMORY' });
    else expect(found).not.toHaveProperty('again');
  });

  groupTest('a Mapping takes memory page by page, and all of it only where there is enough', () => {
    expect(run('mappings', `${LIMIT * 2}`)).toEqual({
      codes: ['ERR_FORKFUL_MEMORY', 'ERR_FORKFUL_MEMORY'],
      sum: 1,
    });
  });

  groupTest('many queues, each of which is small', () => {
    expect(run('manyQueues', `${1.9 * MIB}`)).toMatchObject({ code: 'ERR_FORKFUL_FULL', sound: true });
  });

  groupTest('several processes that fill queues at the same time', () => {
    const { codes } = run('together', `${100_000}`, '3') as { codes: string[] };
    expect(codes).toEqual(codes.map(() => 'ERR_FORKFUL_FULL'));
  });
});
