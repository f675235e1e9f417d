import { ours, peer } from './candidates.mjs';

const KI = 1024;
const SIZES = [8, 64, 512, 4 * KI, 32 * KI, 256 * KI, 2 * KI * KI, 16 * KI * KI, 64 * KI * KI];
/** A smoke check does with every other one. */
const FEW = SIZES.filter((_, i) => i % 2 === 0);

const TRANSPORTS = [
  ['child_process advanced', 'child-process', 'advanced'],
  ['worker_threads', 'worker-threads', 'postMessage', { threads: true }],
  ['unix socket, own framing', 'unix-socket', 'ownFraming'],
];

function sizeName(bytes) {
  if (bytes < KI) return `${bytes} B`;
  return bytes < KI * KI ? `${bytes / KI} KiB` : `${bytes / KI / KI} MiB`;
}

/** One producer and one consumer: what arrives, by the size of the messages. */
export function comparisons({ quick, milliseconds }) {
  return (quick ? FEW : SIZES).map((bytes) => {
    const request = (module, peerName) => ({
      module: `./messages/${module}.mjs`,
      peer: peerName,
      name: 'throughput',
      parameters: { kind: bytes, milliseconds },
    });
    return {
      figure: `Buffers of ${sizeName(bytes)}`,
      along: { what: 'size of a message', at: bytes, name: sizeName(bytes) },
      unit: 'MB/s',
      better: 'more',
      candidates: [
        ours('sync', request('forkful-queue', 'sync')),
        ours('await each', request('forkful-queue', 'awaiting')),
        ...TRANSPORTS.map(([who, module, peerName, options]) =>
          peer(who, request(module, peerName), options),
        ),
      ],
    };
  });
}
