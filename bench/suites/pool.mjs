import { PURE_NODE, limit, ours, peer, python } from './candidates.mjs';

const COUNT = 100_000;

export const PEERS = [
  ['piscina', 'piscina', 'threads', { threads: true }],
  ['tinypool threads', 'tinypool', 'threads', { threads: true }],
  ['tinypool processes', 'tinypool', 'processes'],
  ['workerpool threads', 'workerpool', 'threads', { threads: true }],
  ['workerpool processes', 'workerpool', 'processes'],
  ['poolifier threads', 'poolifier', 'threads', { threads: true }],
  ['poolifier cluster', 'poolifier', 'cluster'],
  ['jest-worker threads', 'jest-worker', 'threads', { threads: true }],
  ['jest-worker processes', 'jest-worker', 'processes'],
  ['multiprocess-pool', 'multiprocess-pool', 'processes'],
];

/** Never the best in anything: a smoke check does without. */
const SLOWER = ['tinypool threads', 'workerpool threads'];

/** What people give real jobs to. */
const JOBBERS = ['piscina', 'jest-worker processes'];

/** Pools of two workers. */
export function comparisons({ quick, milliseconds }) {
  const own = (who, name, parameters, peerName = who, options = {}) =>
    ours(who, { module: './pools/forkful.mjs', peer: peerName, name, parameters }, options);
  const peers = (name, parameters, wanted = () => true) => [
    ...PEERS.filter(wanted)
      .filter(([who]) => !(quick && SLOWER.includes(who)))
      .map(([who, module, peerName, options]) =>
        peer(
          who,
          { module: `./pools/${module}.mjs`, peer: peerName, name, parameters },
          { needs: module, ...options },
        ),
      ),
    python('Python Pool', 'pool', { case: name, ...parameters }),
  ];
  // With fewer at once they are, if anything, faster.
  const seconds = quick ? 0.2 : 0.5;
  const note = `peers: at most as many as they do in ${seconds} s`;
  const onlyProcesses = ([, , , options]) => options?.threads !== true;
  const mapping = (who, verb, chunksize) => own(who, 'map', { verb, count: COUNT, chunksize }, 'applyAsync');
  const pythonMapping = (who, verb, chunksize) =>
    python(who, 'pool', { case: 'map', count: COUNT, verb, chunksize });
  const messages = limit('two rings without Node, one worker', 'own-ring-tasks');

  return [
    {
      figure: '100,000 tasks at once, numbers',
      note,
      unit: 'tasks/s',
      better: 'more',
      candidates: [
        own('applyAsync', 'atOnce', { task: 'increment', count: COUNT }),
        own('apply', 'atOnce', { task: 'increment', count: COUNT }),
        own(
          'applyAsync, child_process backend',
          'atOnce',
          { task: 'increment', count: COUNT },
          'applyAsync',
          PURE_NODE,
        ),
        ...peers('atOnce', { task: 'increment', count: COUNT, seconds }),
        messages,
      ],
    },
    {
      figure: '100,000 tasks at once, small object in and out',
      note,
      unit: 'tasks/s',
      better: 'more',
      candidates: [
        own('applyAsync', 'atOnce', { task: 'same', count: COUNT }),
        ...peers('atOnce', { task: 'same', count: COUNT, seconds }),
        messages,
      ],
    },
    {
      figure: 'map over 100,000 numbers',
      unit: 'tasks/s',
      better: 'more',
      candidates: [
        mapping('map, chunks of 1', 'map', 1),
        mapping('imapUnordered, chunks of 1', 'imapUnordered', 1),
        mapping('map, default chunks', 'map'),
        ...[
          ['multiprocess-pool, chunks of 1', { count: quick ? COUNT / 10 : COUNT, chunksize: 1 }],
          ['multiprocess-pool, default chunks', { count: COUNT }],
        ].map(([who, parameters]) =>
          peer(
            who,
            { module: './pools/multiprocess-pool.mjs', peer: 'processes', name: 'map', parameters },
            { needs: 'multiprocess-pool' },
          ),
        ),
        pythonMapping('Python map, chunks of 1', 'map', 1),
        pythonMapping('Python imap_unordered, chunks of 1', 'imap_unordered', 1),
        pythonMapping('Python map, default chunks', 'map'),
        messages,
      ],
    },
    {
      figure: 'one awaited task after another, hot',
      unit: 'µs',
      better: 'less',
      candidates: [
        own('apply', 'hot', { milliseconds }),
        ...peers('hot', { milliseconds }),
        limit('the ring without Node, spinning', 'own-ring-round-trip', {
          placement: 'spinning',
          scale: 1e-3,
        }),
      ],
    },
    {
      figure: 'one awaited task after another, idle',
      unit: 'µs',
      better: 'less',
      candidates: [
        own('apply', 'idle', { milliseconds }),
        ...peers('idle', { milliseconds }),
        limit('futex, cross core', 'futex-round-trip', { placement: 'cross', scale: 1e-3 }),
      ],
    },
    {
      figure: 'first pool in a program, created to first result',
      unit: 'ms',
      better: 'less',
      candidates: [
        own('apply', 'cold', {}),
        ...peers('cold', {}),
        limit('fork, until the child has ended', 'fork', { scale: 1e-3 }),
      ],
    },
    {
      figure: 'second pool in a program, created to first result',
      unit: 'ms',
      better: 'less',
      candidates: [
        own('apply', 'second', {}),
        ...peers('second', {}),
        limit('fork, until the child has ended', 'fork', { scale: 1e-3 }),
      ],
    },
    {
      figure: '1 MiB Buffer as an argument',
      unit: 'MB/s',
      better: 'more',
      candidates: [
        own('apply', 'large', { milliseconds }),
        ...peers('large', { milliseconds }),
        limit('copied in and out by two processes', 'two-process-copy-1MiB', { placement: 'cross' }),
      ],
    },
    ...[
      ['minify 200 modules', { task: 'minify', input: 'modules', amount: 200 }],
      ['hash 1 GB of files', { task: 'hash', input: 'files', amount: 1024 }],
    ].map(([figure, parameters]) => ({
      figure,
      note: 'a whole program: from the creation of its pool to the last result',
      unit: 's',
      better: 'less',
      candidates: [
        own('map', 'job', parameters, 'apply'),
        ...peers('job', parameters, ([who]) => JOBBERS.includes(who)).slice(0, -1),
      ],
    })),
    {
      figure: 'private memory of an idle worker',
      unit: 'MB',
      better: 'less',
      candidates: [own('apply', 'memory', {}), ...peers('memory', {}, onlyProcesses)],
    },
    {
      figure: "parent's memory for a pending task",
      unit: 'bytes',
      better: 'less',
      candidates: [
        own('applyAsync', 'pending', { count: COUNT }),
        ...peers('pending', { count: quick ? COUNT / 5 : COUNT }),
      ],
    },
  ];
}
