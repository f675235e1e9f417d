import { channelComparisons } from './channels.mjs';

const SYNC = ['sync', 'forkful-pipe', 'sync'];
const AWAIT = ['await each', 'forkful-pipe', 'awaiting'];
const QUEUE = ['Queue, sync', 'forkful-queue', 'sync'];

/** Pipes between processes, beside every other way to send messages and our own Queue. */
export function comparisons({ milliseconds }) {
  return channelComparisons({
    milliseconds,
    transports: ['Pipe'],
    own: {
      small: [SYNC, AWAIT, QUEUE],
      object: [SYNC, AWAIT, QUEUE],
      large: [SYNC, QUEUE],
      roundTrip: [SYNC, AWAIT, QUEUE],
    },
  });
}
