import { PURE_NODE } from './candidates.mjs';
import { channelComparisons } from './channels.mjs';

const SYNC = ['sync', 'forkful-queue', 'sync'];
const AWAIT = ['await each', 'forkful-queue', 'awaiting'];
const PURE = [
  ['sync, child_process backend', 'forkful-queue', 'sync', PURE_NODE],
  ['await each, child_process backend', 'forkful-queue', 'awaiting', PURE_NODE],
];

/** Queues between processes, beside every other way to send messages. */
export function comparisons({ milliseconds }) {
  return channelComparisons({
    milliseconds,
    transports: ['Queue', 'SimpleQueue'],
    own: {
      small: [
        SYNC,
        ['batches of 64', 'forkful-queue', 'batches'],
        AWAIT,
        ['await each, messages waiting', 'forkful-queue', 'awaitingThere'],
        ['2 producers', 'forkful-queue', 'twoProducers'],
        ['2 consumers', 'forkful-queue', 'twoConsumers'],
        ...PURE,
      ],
      object: [SYNC, AWAIT],
      large: [SYNC, ...PURE],
      roundTrip: [SYNC, AWAIT, ...PURE],
    },
  });
}
