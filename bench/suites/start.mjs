import { backend, getAllStartMethods } from '../forkful.mjs';
import { limit, ours, peer, python } from './candidates.mjs';

const PYTHON = ['fork', 'forkserver', 'spawn'];
const METHODS = backend().name === 'native' ? [...getAllStartMethods(), 'fork'] : getAllStartMethods();
const MANY = 100;
const BIG = 512;

/** New processes, until their first message has come. */
export function comparisons({ quick, milliseconds }) {
  const candidates = (name, parameters, { threads = true, pythons = PYTHON } = {}) => [
    ...METHODS.map((method) =>
      ours(
        method,
        { module: './starts/forkful.mjs', peer: method, name, parameters },
        method === 'fork' ? { nodeArguments: ['--single-threaded'] } : {},
      ),
    ),
    peer('child_process.fork', { module: './starts/node.mjs', peer: 'childProcess', name, parameters }),
    ...(threads
      ? [
          peer(
            'new Worker',
            { module: './starts/node.mjs', peer: 'worker', name, parameters },
            { threads: true },
          ),
        ]
      : []),
    ...pythons.map((method) => python(`Python ${method}`, 'starts', { method, case: name, ...parameters })),
  ];
  const inMilliseconds = { unit: 'ms', better: 'less' };
  const fork = limit('fork, until the child has ended', 'fork', { scale: 1e-3 });
  return [
    {
      figure: 'warm start to first message',
      ...inMilliseconds,
      candidates: [
        ...candidates('warm', { milliseconds }),
        fork,
        limit('fork of 40 MB', 'fork-of-40-MB', { scale: 1e-3 }),
      ],
    },
    {
      figure: 'first start in a program',
      ...inMilliseconds,
      candidates: [...candidates('first', {}), fork],
    },
    {
      figure: `${MANY} children, until all have answered`,
      ...inMilliseconds,
      candidates: [
        // A hundred booting interpreters take seconds: not for a smoke check.
        ...candidates(
          'many',
          { count: MANY },
          quick ? { threads: false, pythons: ['fork', 'forkserver'] } : {},
        ),
        { ...fork, measure: async () => (await fork.measure()) * MANY },
      ],
    },
    {
      figure: `warm start to first message, ${BIG} MB in use by the parent`,
      ...inMilliseconds,
      candidates: candidates(
        'big',
        { megabytes: BIG, milliseconds },
        { threads: false, pythons: quick ? [] : ['fork', 'forkserver', 'spawn'] },
      ),
    },
    {
      figure: 'first run of a minifier',
      ...inMilliseconds,
      candidates: [
        ours('forkserver, warmed up', { module: './starts/minify.mjs', peer: 'warmedUp', name: 'first' }),
        ours('forkserver', { module: './starts/minify.mjs', peer: 'cold', name: 'first' }),
        peer('a fresh Node', { module: './starts/minify.mjs', peer: 'freshNode', name: 'first' }),
      ],
    },
    {
      figure: 'private memory of an idle child',
      unit: 'MB',
      better: 'less',
      candidates: candidates('memory', {}, { threads: false }),
    },
  ];
}
