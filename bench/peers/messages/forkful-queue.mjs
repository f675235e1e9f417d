import { Process, Queue, refs } from '../../forkful.mjs';
import { latencies, timeOfOne } from '../../measure.mjs';
import { messageOf, messagesIn, rate } from './messages.mjs';

const otherSide = refs(import.meta.url);
const BATCH = 64;
/** A queue without bound holds what its consumer has not taken yet: some hundred MB at most. */
const mostOf = (kind) => Math.min(2_000_000, messagesIn(256 << 20, kind));

/** Puts as many as it is asked for, until it is asked for none. */
export function produce(requests, queue, kind) {
  const message = messageOf(kind);
  for (let count; (count = requests.getSync()) > 0;) {
    for (let i = 0; i < count; i++) queue.putSync(message);
  }
}

export function produceBatches(requests, queue, kind) {
  const batch = Array.from({ length: BATCH }, () => messageOf(kind));
  for (let count; (count = requests.getSync()) > 0;) {
    for (; count > 0; count -= BATCH) queue.putManySync(count < BATCH ? batch.slice(0, count) : batch);
  }
}

export async function produceAwaiting(requests, queue, kind) {
  const message = messageOf(kind);
  for (let count; (count = await requests.get()) > 0;) {
    for (let i = 0; i < count; i++) await queue.put(message);
  }
}

/** Takes for ever, and says when it meets a null. */
export function consume(queue, done) {
  for (;;) if (queue.getSync() === null) done.putSync(true);
}

export function echo(there, back) {
  for (let message; (message = there.getSync()) !== null;) back.putSync(message);
}

export async function echoAwaiting(there, back) {
  for (let message; (message = await there.get()) !== null;) await back.put(message);
}

async function start(target, ...args) {
  const child = new Process({ target, args, daemon: true });
  await child.start();
  return child;
}

/** Messages from children that put them to this process, which takes them by `take(queue, count)`. */
function throughput(target, take, { producers = 1, waiting = false } = {}) {
  return async ({ kind, milliseconds }, apart) => {
    const queue = new Queue();
    const requests = [];
    for (let i = 0; i < producers; i++) {
      requests.push(new Queue());
      apart((await start(otherSide[target], requests[i], queue, kind)).pid);
    }
    let spent = 0;
    const job = async (count) => {
      const each = Math.ceil(count / producers);
      for (const request of requests) request.putSync(each);
      while (waiting && queue.qsize() < each * producers)
        await new Promise((resolve) => setTimeout(resolve, 1));
      const started = performance.now();
      await take(queue, each * producers);
      spent = (performance.now() - started) / (each * producers);
    };
    const one = await timeOfOne(job, {
      milliseconds,
      first: Math.min(BATCH, mostOf(kind)),
      most: mostOf(kind),
    });
    for (const request of requests) request.putSync(0);
    return rate(kind, waiting ? spent : one);
  };
}

function takeSync(queue, count) {
  for (let i = 0; i < count; i++) queue.getSync();
}

function takeBatches(queue, count) {
  for (let got = 0; got < count;) got += queue.getManySync(BATCH).length;
}

async function takeAwaiting(queue, count) {
  for (let i = 0; i < count; i++) await queue.get();
}

export const sync = {
  throughput: throughput('produce', takeSync),

  async roundTrip({ kind, milliseconds }, apart) {
    const there = new Queue();
    const back = new Queue();
    apart((await start(otherSide.echo, there, back)).pid);
    const message = messageOf(kind);
    const one = await timeOfOne(
      (count) => {
        for (let i = 0; i < count; i++) {
          there.putSync(message);
          back.getSync();
        }
      },
      { milliseconds },
    );
    there.putSync(null);
    return one * 1000;
  },

  async latencies({ kind, milliseconds }, apart) {
    const there = new Queue();
    const back = new Queue();
    apart((await start(otherSide.echo, there, back)).pid);
    const message = messageOf(kind);
    const trip = () => {
      there.putSync(message);
      back.getSync();
    };
    const result = await latencies(trip, { milliseconds });
    there.putSync(null);
    return result;
  },
};

export const batches = { throughput: throughput('produceBatches', takeBatches) };

export const awaiting = {
  throughput: throughput('produceAwaiting', takeAwaiting),

  async roundTrip({ kind, milliseconds }, apart) {
    const there = new Queue();
    const back = new Queue();
    apart((await start(otherSide.echoAwaiting, there, back)).pid);
    const message = messageOf(kind);
    const one = await timeOfOne(
      async (count) => {
        for (let i = 0; i < count; i++) {
          await there.put(message);
          await back.get();
        }
      },
      { milliseconds },
    );
    there.putSync(null);
    return one * 1000;
  },

  async latencies({ kind, milliseconds }, apart) {
    const there = new Queue();
    const back = new Queue();
    apart((await start(otherSide.echoAwaiting, there, back)).pid);
    const message = messageOf(kind);
    const trip = async () => {
      await there.put(message);
      await back.get();
    };
    const result = await latencies(trip, { milliseconds });
    there.putSync(null);
    return result;
  },
};

export const awaitingThere = { throughput: throughput('produce', takeAwaiting, { waiting: true }) };

export const twoProducers = { throughput: throughput('produce', takeSync, { producers: 2 }) };

/** Puts as many as it is asked for, and says when that is done. */
export function producePart(requests, queue, kind, done) {
  const message = messageOf(kind);
  for (let count; (count = requests.getSync()) > 0;) {
    for (let i = 0; i < count; i++) queue.putSync(message);
    done.putSync(true);
  }
}

/** So many producers and consumers at each of so many queues; all of them are children. */
async function manyToMany({ kind, milliseconds, producers = 1, consumers = 1, queues = 1 }) {
  const requests = new Queue();
  const put = new Queue();
  const taken = new Queue();
  const all = Array.from({ length: queues }, () => new Queue());
  for (const queue of all) {
    for (let i = 0; i < producers; i++) await start(otherSide.producePart, requests, queue, kind, put);
    for (let i = 0; i < consumers; i++) await start(otherSide.consume, queue, taken);
  }
  const job = (count) => {
    const each = Math.ceil(count / producers / queues);
    for (let i = 0; i < producers * queues; i++) requests.putSync(each);
    for (let i = 0; i < producers * queues; i++) put.getSync();
    for (const queue of all) for (let i = 0; i < consumers; i++) queue.putSync(null);
    for (let i = 0; i < consumers * queues; i++) taken.getSync();
  };
  return rate(kind, await timeOfOne(job, { milliseconds, first: BATCH, most: mostOf(kind) }));
}

export const scaled = { throughput: manyToMany };

export const twoConsumers = {
  throughput: (parameters) => manyToMany({ ...parameters, consumers: 2 }),
};
