import { PURE_NODE, ours, peer } from './candidates.mjs';

const KINDS = [
  ['64 B', 'small', [1, 8, 64]],
  ['1 MiB', 'large', [1, 4]],
];

/** Request and response between a program and its child, `inFlight` at a time: what people write by hand. */
export function comparisons({ milliseconds }) {
  return KINDS.flatMap(([size, kind, counts]) =>
    counts.map((inFlight) => {
      const request = (module, name) => ({
        module: `./messages/${module}.mjs`,
        peer: name,
        name: 'requests',
        parameters: { kind, inFlight, milliseconds },
        placement: 'same',
      });
      const threads = request('bare-threads', 'bareThreads');
      return {
        figure: `requests of ${size}, ${inFlight} in flight, same core`,
        unit: 'req/s',
        better: 'more',
        candidates: [
          ours('Pipe', request('forkful-pipe', 'concurrent')),
          ours('Pipe, child_process backend', request('forkful-pipe', 'concurrent'), PURE_NODE),
          peer('child_process json', request('child-process', 'json')),
          peer('child_process advanced', request('child-process', 'advanced')),
          peer('worker_threads', request('worker-threads', 'postMessage'), { threads: true }),
          ...(kind === 'small'
            ? [{ ...ours('the threads of that backend, bare', threads), kind: 'limit' }]
            : []),
        ],
      };
    }),
  );
}
