import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Process, Queue, refs } from 'forkful';
import { figure, interleave, ratio } from './measure.mjs';

const COUNT = 3_000_000;
const PEER_COUNT = 200_000;
const peers = refs(new URL('./queue-peer.mjs', import.meta.url));

/** Messages per second from a child that puts them one by one to this process, which gets them one by one. */
async function one() {
  const queue = new Queue();
  const ready = new Queue();
  const child = new Process({ target: peers.producer, args: [queue, ready, COUNT] });
  await child.start();
  await ready.get();
  const started = performance.now();
  for (let i = 0; i < COUNT; i++) queue.getSync();
  const rate = COUNT / ((performance.now() - started) / 1000);
  await child.join();
  queue.close();
  ready.close();
  return rate;
}

async function many() {
  const queue = new Queue();
  const ready = new Queue();
  const child = new Process({ target: peers.batchProducer, args: [queue, ready, COUNT] });
  await child.start();
  await ready.get();
  const started = performance.now();
  for (let got = 0; got < COUNT;) got += queue.getManySync(64).length;
  const rate = COUNT / ((performance.now() - started) / 1000);
  await child.join();
  queue.close();
  ready.close();
  return rate;
}

async function childProcess() {
  const child = fork(fileURLToPath(new URL('./child-process-peer.mjs', import.meta.url)), {
    serialization: 'advanced',
  });
  await once(child, 'message');
  let got = 0;
  const done = new Promise((resolve) => {
    child.on('message', () => {
      if (++got === PEER_COUNT) resolve();
    });
  });
  const started = performance.now();
  child.send(PEER_COUNT);
  await done;
  const rate = PEER_COUNT / ((performance.now() - started) / 1000);
  child.kill();
  await once(child, 'exit');
  return rate;
}

export async function queue(runs) {
  const values = await interleave(runs, { one, many, childProcess });
  return {
    '64 B Buffers, sync put/get, two processes': figure(values.one, 'msg/s'),
    '64 B Buffers, putManySync/getManySync': figure(values.many, 'msg/s'),
    '64 B Buffers, child_process advanced': figure(values.childProcess, 'msg/s'),
    'the same ÷ child_process advanced': ratio(values.one, values.childProcess),
  };
}
