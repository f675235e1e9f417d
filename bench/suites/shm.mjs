import { limit, ours } from './candidates.mjs';

const PLACES = [
  ['same core', 'same'],
  ['cross core, asleep', 'cross'],
];

/** What forkful/shm reaches of what this machine can do: the price of calling it from JavaScript. */
export function comparisons({ milliseconds }) {
  const shm = (who, peer, name, placement = 'free') =>
    ours(who, { module: './messages/forkful-shm.mjs', peer, name, parameters: { milliseconds }, placement });
  return [
    {
      figure: 'records of 64 B',
      unit: 'msg/s',
      better: 'more',
      candidates: [
        shm('Ring', 'ring', 'throughput'),
        shm('Ring, batches of 64', 'batches', 'throughput'),
        limit('the ring without Node', 'own-ring'),
        limit('the ring without Node, batches of 64', 'own-ring-batches-of-64'),
      ],
    },
    ...PLACES.map(([place, placement]) => ({
      figure: `round trip, ${place}`,
      unit: 'ns',
      better: 'less',
      candidates: [
        shm('FutexWord', 'futex', 'roundTrip', placement),
        limit('futex', 'futex-round-trip', { placement }),
        shm('Ring, 64 B', 'ring', 'roundTrip', placement),
        limit('the ring without Node', 'own-ring-round-trip', { placement }),
      ],
    })),
  ];
}
