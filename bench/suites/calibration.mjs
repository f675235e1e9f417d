import { limit } from './candidates.mjs';

const FIGURES = [
  [
    'waking another process, there and back',
    'ns',
    'less',
    [
      ['cache line, spinning', 'cache-line-round-trip', 'cross'],
      ['futex, same core', 'futex-round-trip', 'same'],
      ['futex, cross core', 'futex-round-trip', 'cross'],
      ['eventfd and epoll, same core', 'eventfd-round-trip', 'same'],
      ['eventfd and epoll, cross core', 'eventfd-round-trip', 'cross'],
      ['pipe, same core', 'pipe-round-trip', 'same'],
      ['pipe, cross core', 'pipe-round-trip', 'cross'],
      ['socketpair, same core', 'socket-round-trip', 'same'],
      ['socketpair, cross core', 'socket-round-trip', 'cross'],
      ['lock-free ring, spinning', 'spsc-ring-round-trip', 'cross'],
      ['the ring without Node, same core', 'own-ring-round-trip', 'same'],
      ['the ring without Node, cross core, asleep', 'own-ring-round-trip', 'cross'],
      ['the ring without Node, cross core, spinning', 'own-ring-round-trip', 'spinning'],
    ],
  ],
  [
    'calls into the kernel',
    'ns',
    'less',
    [
      ['system call', 'system-call'],
      ['eventfd write', 'eventfd-write'],
    ],
  ],
  [
    'copying 1 MiB',
    'MB/s',
    'more',
    [
      ['memcpy', 'memcpy-1MiB'],
      ['in and out by two processes', 'two-process-copy-1MiB', 'cross'],
    ],
  ],
  [
    '64 B messages between two processes',
    'msg/s',
    'more',
    [
      ['lock-free ring, one producer and one consumer', 'spsc-ring', 'cross'],
      ['the ring without Node', 'own-ring'],
      ['the ring without Node, pinned apart', 'own-ring', 'spinning'],
      ['the ring without Node, batches of 64', 'own-ring-batches-of-64'],
      ['two rings, one to a worker and one back', 'own-ring-tasks'],
    ],
  ],
  [
    'a new process, until it has ended',
    'µs',
    'less',
    [
      ['fork', 'fork'],
      ['fork of 40 MB', 'fork-of-40-MB'],
      ["the library's spawn of /bin/true", 'spawn'],
    ],
  ],
];

/** What this machine can do at most, measured by C++ programs without Node. */
export function comparisons() {
  return FIGURES.map(([figure, unit, better, limits]) => ({
    figure,
    unit,
    better,
    candidates: limits.map(([who, name, placement]) => limit(who, name, { placement })),
  }));
}
