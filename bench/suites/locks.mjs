import { PURE_NODE, ours, python } from './candidates.mjs';

const CASES = 'locks/lock-cases.mjs';
const DATA = 'locks/data-cases.mjs';

/** Locks that nobody else wants, and that two processes want; shared data beside what is not shared. */
export function comparisons({ milliseconds }) {
  const lock = (who, name, of = 'Lock', options = undefined) =>
    ours(who, { module: CASES, peer: 'locks', name, parameters: { of, milliseconds } }, options);
  const data = (who, name, parameters = {}, kind = 'ours') => ({
    ...ours(who, { module: DATA, peer: 'data', name, parameters: { milliseconds, ...parameters } }),
    kind,
  });
  const inPython = (name) => python('Python Lock', 'locks', { name, milliseconds });
  return [
    {
      figure: 'acquire and release, nobody else',
      unit: 'ns',
      better: 'less',
      candidates: [
        lock('Lock, sync', 'alone'),
        lock('Lock, sync, timeout 0', 'tried'),
        lock('Lock, await each', 'awaited'),
        lock('RLock, sync', 'alone', 'RLock'),
        lock('Semaphore, sync', 'alone', 'Semaphore'),
        lock('Lock, sync, child_process backend', 'alone', 'Lock', PURE_NODE),
        inPython('alone'),
      ],
    },
    {
      figure: 'acquire and release, two processes',
      unit: '/s',
      better: 'more',
      candidates: [
        lock('Lock, sync', 'contended'),
        lock('RLock, sync', 'contended', 'RLock'),
        lock('Semaphore, sync', 'contended', 'Semaphore'),
        lock('Semaphore(2), sync', 'contended', 'Semaphore(2)'),
        inPython('contended'),
      ],
    },
    {
      figure: 'access to an element',
      unit: 'ns',
      better: 'less',
      candidates: [data('SharedArray', 'shared'), data('typed array', 'ordinary', {}, 'limit')],
    },
    {
      figure: 'handing over to a worker',
      unit: 'µs',
      better: 'less',
      candidates: [
        data('SharedArray of 100 MB', 'array', { megabytes: 100 }),
        data('SharedArray of 1 kB', 'array', { megabytes: 0.001 }),
        data('a number', 'number', {}, 'limit'),
      ],
    },
  ];
}
