import { limit, limitOfNode, ours, peer, python } from './candidates.mjs';

/** What queues and pipes have in common: the same load for every way of sending messages between two processes. */

const PEERS = [
  ['child_process json', 'child-process', 'json'],
  ['child_process advanced', 'child-process', 'advanced'],
  ['worker_threads', 'worker-threads', 'postMessage', { threads: true }],
  ['unix socket, own framing', 'unix-socket', 'ownFraming'],
];

const PLACES = [
  ['same core', 'same', limit('futex', 'futex-round-trip', { placement: 'same', scale: 1e-3 })],
  ['cross core, asleep', 'cross', limit('futex', 'futex-round-trip', { placement: 'cross', scale: 1e-3 })],
];

/**
 * @param own lists of [who, module, export, options] for each load
 * @param transports of Python
 */
export function channelComparisons({ own, transports, milliseconds }) {
  const candidates = (name, kind, placement = 'free') => [
    ...own[name === 'roundTrip' ? name : kind].map(([who, module, peerName, options]) =>
      ours(
        who,
        {
          module: `./messages/${module}.mjs`,
          peer: peerName,
          name,
          parameters: { kind, milliseconds },
          placement,
        },
        options,
      ),
    ),
    ...PEERS.map(([who, module, peerName, options]) =>
      peer(
        who,
        {
          module: `./messages/${module}.mjs`,
          peer: peerName,
          name,
          parameters: { kind, milliseconds },
          placement,
        },
        options,
      ),
    ),
    ...transports.map((transport) =>
      python(`Python ${transport}`, 'messages', { transport, case: name, kind, milliseconds }, { placement }),
    ),
  ];
  return [
    {
      figure: '64 B Buffers',
      unit: 'msg/s',
      better: 'more',
      candidates: [
        ...candidates('throughput', 'small'),
        limit('lock-free ring, one producer and one consumer', 'spsc-ring', { placement: 'cross' }),
        limit('the ring without Node', 'own-ring'),
        limit('the ring without Node, batches of 64', 'own-ring-batches-of-64'),
      ],
    },
    {
      figure: 'small objects { id, name, values }',
      unit: 'msg/s',
      better: 'more',
      candidates: [...candidates('throughput', 'object'), limit('the ring without Node, 64 B', 'own-ring')],
    },
    {
      figure: '1 MiB Buffers',
      unit: 'MB/s',
      better: 'more',
      candidates: [
        ...candidates('throughput', 'large'),
        limit('copied in and out by two processes', 'two-process-copy-1MiB', { placement: 'cross' }),
        limit('memcpy', 'memcpy-1MiB'),
      ],
    },
    ...PLACES.map(([place, placement, first]) => ({
      figure: `round trip of 64 B, ${place}`,
      unit: 'µs',
      better: 'less',
      candidates: [
        ...candidates('roundTrip', 'small', placement),
        first,
        limit('eventfd and epoll', 'eventfd-round-trip', { placement, scale: 1e-3 }),
        limitOfNode('eventfd and uv_poll', {
          module: './messages/event-loops.mjs',
          peer: 'eventfd',
          name: 'roundTrip',
          parameters: { kind: 'small', milliseconds },
          placement,
        }),
        limit('the ring without Node', 'own-ring-round-trip', { placement, scale: 1e-3 }),
      ],
    })),
    {
      figure: 'round trip of 64 B, cross core, spinning',
      unit: 'µs',
      better: 'less',
      candidates: [
        ...candidates('roundTrip', 'small', 'spinning').filter(({ kind }) => kind === 'ours'),
        limit('cache line', 'cache-line-round-trip', { placement: 'cross', scale: 1e-3 }),
        limit('the ring without Node', 'own-ring-round-trip', { placement: 'spinning', scale: 1e-3 }),
      ],
    },
  ];
}
