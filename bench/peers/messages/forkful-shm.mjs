import { FutexWord, Mapping, Process, Ring, refs } from '../../forkful.mjs';
import { timeOfOne } from '../../measure.mjs';
import { messageOf } from './messages.mjs';

const otherSide = refs(import.meta.url);
const BATCH = 64;
/** Some hundred MB at most wait in a ring without bound. */
const MOST = 2_000_000;
/** Words that lie on cache lines of their own. */
const APART = 16;

async function start(target, ...args) {
  const child = new Process({ target, args, daemon: true });
  await child.start();
  return child;
}

/** Adds one to each word that it is shown, for ever. */
export function answer(there, back) {
  for (let i = 1; ; i++) {
    while (there.value < i) there.waitSync(i - 1);
    back.value = i;
    back.wake(1);
  }
}

export function write(ring, requests) {
  for (;;) {
    const count = requests.readSync().readUInt32LE();
    for (let i = 0; i < count; i++) ring.writeSync(messageOf('small'));
  }
}

export function writeBatches(ring, requests) {
  const batch = Array.from({ length: BATCH }, () => messageOf('small'));
  for (;;) {
    const count = requests.readSync().readUInt32LE();
    for (let left = count; left > 0; left -= BATCH)
      ring.tryWriteMany(left < BATCH ? batch.slice(0, left) : batch);
  }
}

export function echo(there, back) {
  for (;;) back.writeSync(there.readSync());
}

function numbered(count) {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(count);
  return bytes;
}

/** Nanoseconds of a round trip between two sleeping processes. */
async function futexRoundTrip({ milliseconds }, apart) {
  const words = new Int32Array(new Mapping({ size: 4096 }).buffer);
  const [there, back] = [new FutexWord(words, 0), new FutexWord(words, APART)];
  apart((await start(otherSide.answer, there, back)).pid);
  let i = 0;
  const one = await timeOfOne(
    (count) => {
      for (const last = i + count; i < last;) {
        there.value = ++i;
        there.wake(1);
        while (back.value < i) back.waitSync(i - 1);
      }
    },
    { milliseconds },
  );
  return one * 1e6;
}

async function ringRoundTrip({ milliseconds }, apart) {
  const [there, back] = [new Ring(), new Ring()];
  apart((await start(otherSide.echo, there, back)).pid);
  const one = await timeOfOne(
    (count) => {
      for (let i = 0; i < count; i++) {
        there.writeSync(messageOf('small'));
        back.readSync();
      }
    },
    { milliseconds },
  );
  return one * 1e6;
}

/** Records of 64 B a second, from a child to this process. */
const throughput = (target, take) =>
  async function throughput({ milliseconds }, apart) {
    const [ring, requests] = [new Ring(), new Ring()];
    apart((await start(otherSide[target], ring, requests)).pid);
    const one = await timeOfOne(
      (count) => {
        requests.writeSync(numbered(count));
        take(ring, count);
      },
      { milliseconds, first: BATCH, most: MOST },
    );
    return 1e3 / one;
  };

export const futex = { roundTrip: futexRoundTrip };

export const ring = {
  roundTrip: ringRoundTrip,
  throughput: throughput('write', (from, count) => {
    for (let i = 0; i < count; i++) from.readSync();
  }),
};

export const batches = {
  throughput: throughput('writeBatches', (from, count) => {
    for (let got = 0; got < count;) {
      const records = from.tryReadMany(BATCH);
      if (records.length === 0) got += from.readSync() && 1;
      got += records.length;
    }
  }),
};
