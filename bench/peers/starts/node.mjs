import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { startCases } from './start-cases.mjs';

const OTHER_SIDE = 'the other side';

export const childProcess = startCases(async () => {
  const child = fork(fileURLToPath(import.meta.url), [OTHER_SIDE]);
  await once(child, 'message');
  return {
    pid: child.pid,
    async end() {
      child.disconnect();
      await once(child, 'exit');
    },
  };
});

export const worker = startCases(async () => {
  const thread = new Worker(new URL(import.meta.url));
  await once(thread, 'message');
  return { pid: process.pid, end: () => thread.terminate() };
});

if (process.argv[2] === OTHER_SIDE) {
  process.on('message', () => {}); // stays until it is disconnected
  process.send(process.pid);
}
if (!isMainThread) {
  parentPort.on('message', () => {});
  parentPort.postMessage(process.pid);
}
