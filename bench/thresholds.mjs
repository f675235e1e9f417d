/**
 * What must be reached, by the issue that asks for it. `who` is a row of the comparison called `figure`, `over` another
 * row whose ratio is meant: a name, or 'limit', 'best peer', 'best process peer'. What is not measured yet is
 * reported as such.
 */
const SMALL = '64 B Buffers';
const LARGE = '1 MiB Buffers';
const ASLEEP = 'round trip of 64 B, cross core, asleep';
const SPINNING = 'round trip of 64 B, cross core, spinning';
const WARM = 'warm start to first message';
const NUMBERS = '100,000 tasks at once, numbers';
const HOT = 'one awaited task after another, hot';
const IDLE = 'one awaited task after another, idle';

const issues = {
  2: {
    queue: [
      { who: 'sync', figure: SMALL, atLeast: 3_000_000 },
      { who: 'sync', figure: SMALL, over: 'child_process advanced', atLeast: 15 },
    ],
    pool: [{ who: 'applyAsync', figure: NUMBERS, atLeast: 150_000 }],
    demo: [
      { who: 'Pool', figure: 'speed-up of the main job ÷ that of two independent copies', atLeast: 0.9 },
    ],
  },
  3: {
    start: [{ who: 'forkserver', figure: WARM, over: 'child_process.fork', atMost: 0.2 }],
  },
  4: {
    queue: [
      { who: 'await each, child_process backend', figure: LARGE, over: 'child_process advanced', atLeast: 1 },
    ],
    requests: ['64 B, 1', '64 B, 8', '64 B, 64', '1 MiB, 1', '1 MiB, 4'].map((what) => ({
      who: 'Pipe, child_process backend',
      figure: `requests of ${what} in flight, same core`,
      over: 'child_process advanced',
      atLeast: 1,
    })),
    pool: [
      { who: 'applyAsync, child_process backend', figure: NUMBERS, over: 'best process peer', atLeast: 1 },
    ],
  },
  5: {
    queue: [
      { who: 'sync', figure: SMALL, atLeast: 5_000_000 },
      { who: 'sync', figure: SMALL, over: 'the ring without Node', atLeast: 0.3 },
      { who: 'sync', figure: SMALL, over: 'Python Queue', atLeast: 25 },
      { who: 'sync', figure: SMALL, over: 'child_process advanced', atLeast: 30 },
      { who: 'batches of 64', figure: SMALL, atLeast: 12_000_000 },
      { who: 'await each, messages waiting', figure: SMALL, atLeast: 3_000_000 },
      { who: '2 producers', figure: SMALL, atLeast: 4_000_000 },
      { who: '2 consumers', figure: SMALL, atLeast: 4_000_000 },
      { who: 'sync', figure: 'small objects { id, name, values }', atLeast: 1_000_000 },
      { who: 'sync', figure: LARGE, atLeast: 5_000 },
      { who: 'sync', figure: SPINNING, atMost: 1 },
      { who: 'sync', figure: ASLEEP, over: 'futex', atMost: 1.15 },
      { who: 'await each', figure: ASLEEP, over: 'eventfd and uv_poll', atMost: 1.15 },
      { who: 'await each', figure: ASLEEP, over: 'child_process advanced', atMost: 0.8 },
    ],
    pipe: [
      { who: 'sync', figure: SMALL, over: 'Queue, sync', atLeast: 1 },
      { who: 'sync', figure: LARGE, over: 'Queue, sync', atLeast: 1 },
      { who: 'sync', figure: ASLEEP, over: 'Queue, sync', atMost: 1 },
      { who: 'recvBytesInto', figure: LARGE, atLeast: 10_000 },
    ],
  },
  6: {
    start: [
      { who: 'forkserver', figure: WARM, atMost: 4 },
      { who: 'forkserver', figure: WARM, over: 'child_process.fork', atMost: 0.15 },
      { who: 'forkserver', figure: WARM, over: 'Python forkserver', atMost: 0.5 },
      { who: 'forkserver', figure: 'first start in a program', over: 'child_process.fork', atMost: 1.3 },
      { who: 'forkserver', figure: '100 children, until all have answered', atMost: 500 },
      { who: 'forkserver', figure: 'private memory of an idle child', atMost: 3 },
      { who: 'forkserver, warmed up', figure: 'first run of a minifier', over: 'a fresh Node', atMost: 0.4 },
    ],
  },
  7: {
    pool: [
      { who: 'applyAsync', figure: NUMBERS, atLeast: 300_000 },
      { who: 'applyAsync', figure: NUMBERS, over: 'best peer', atLeast: 4 },
      { who: 'applyAsync', figure: '100,000 tasks at once, small object in and out', atLeast: 150_000 },
      { who: 'map, chunks of 1', figure: 'map over 100,000 numbers', atLeast: 400_000 },
      { who: 'imapUnordered, chunks of 1', figure: 'map over 100,000 numbers', atLeast: 250_000 },
      { who: 'apply', figure: HOT, atMost: 10 },
      { who: 'apply', figure: HOT, over: 'best peer', atMost: 0.5 },
      { who: 'apply', figure: IDLE, over: 'best process peer', atMost: 1 },
      { who: 'applyAsync', figure: "parent's memory for a pending task", atMost: 1_024 },
      { who: 'apply', figure: 'second pool in a program, created to first result', atMost: 5 },
      { who: 'apply', figure: '1 MiB Buffer as an argument', atLeast: 4_000 },
      { who: 'map', figure: 'minify 200 modules', over: 'piscina', atMost: 1 },
      { who: 'map', figure: 'minify 200 modules', over: 'jest-worker processes', atMost: 1 },
      { who: 'map', figure: 'hash 1 GB of files', over: 'piscina', atMost: 1 },
      { who: 'map', figure: 'hash 1 GB of files', over: 'jest-worker processes', atMost: 1 },
    ],
  },
  8: {
    locks: [
      { who: 'Lock, sync', figure: 'acquire and release, nobody else', atMost: 150 },
      { who: 'Semaphore, sync', figure: 'acquire and release, nobody else', atMost: 150 },
      { who: 'Lock, sync', figure: 'acquire and release, two processes', atLeast: 1_000_000 },
      { who: 'Semaphore, sync', figure: 'acquire and release, two processes', atLeast: 1_000_000 },
      { who: 'Semaphore(2), sync', figure: 'acquire and release, two processes', atLeast: 1_000_000 },
      { who: 'SharedArray', figure: 'access to an element', over: 'typed array', atMost: 1.2 },
      { who: 'SharedArray of 100 MB', figure: 'handing over to a worker', over: 'a number', atMost: 2 },
    ],
  },
};

/** A list of { issue, suite, who, figure, over, atLeast, atMost }. */
export const thresholds = Object.entries(issues).flatMap(([issue, suites]) =>
  Object.entries(suites).flatMap(([suite, entries]) =>
    entries.map((entry) => ({ issue: Number(issue), suite, ...entry })),
  ),
);
