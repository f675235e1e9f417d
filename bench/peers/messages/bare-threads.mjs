import { spawn } from 'node:child_process';
import { writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { MessageChannel, Worker, isMainThread, workerData } from 'node:worker_threads';
import { fileURLToPath } from 'node:url';
import { eventChannelCases } from './event-channel.mjs';
import { messageOf } from './messages.mjs';

/**
 * What the threads of the child_process backend cost by themselves: a hub thread in the program, a helper thread in the
 * child, and bytes of a fixed length between them. No queue, no codec, no frames.
 */
const FILE = fileURLToPath(import.meta.url);
const OTHER_SIDE = 'the other side';

const start = (role) => {
  const { port1, port2 } = new MessageChannel();
  new Worker(FILE, { workerData: { role, port: port2 }, transferList: [port2] });
  return port1;
};
const pass = (bytes, port) => {
  const memory = new Uint8Array(bytes).buffer;
  port.postMessage(memory, [memory]);
};

async function open() {
  const port = start('hub');
  const pid = await new Promise((resolve) => port.once('message', resolve));
  const size = messageOf('small').length;
  let listener;
  let part = 0;
  let waiting = 0;
  const flush = () => {
    const memory = new ArrayBuffer(size * waiting);
    waiting = 0;
    port.postMessage(memory, [memory]);
  };
  port.on('message', (memory) => {
    for (part += memory.byteLength; part >= size; part -= size) listener();
  });
  return {
    pid,
    send: () => {
      if (waiting++ === 0) queueMicrotask(flush);
    },
    onMessage: (next) => (listener = next),
    close: () => process.kill(pid, 'SIGKILL'),
  };
}

export const bareThreads = eventChannelCases(open);

if (!isMainThread && workerData.role === 'hub') {
  const { port } = workerData;
  const stdio = ['ignore', 'inherit', 'inherit', 'pipe', 'pipe'];
  const child = spawn(process.execPath, [FILE, OTHER_SIDE], { stdio });
  let waiting = [];
  const flush = () => {
    child.stdio[3].write(Buffer.concat(waiting));
    waiting = [];
  };
  port.on('message', (memory) => {
    if (waiting.length === 0) setImmediate(flush);
    waiting.push(Buffer.from(memory));
  });
  child.stdio[4].on('data', (bytes) => pass(bytes, port));
  port.postMessage(child.pid);
} else if (!isMainThread && workerData.role === 'helper') {
  const { port } = workerData;
  new Socket({ fd: 3, readable: true, writable: true }).on('data', (bytes) => pass(bytes, port));
} else if (isMainThread && process.argv[2] === OTHER_SIDE) {
  const size = messageOf('small').length;
  start('helper').on('message', (memory) => {
    const bytes = Buffer.from(memory);
    for (let at = 0; at < bytes.length; at += size) writeSync(4, bytes, at, size);
  });
}
