import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { startCases } from './start-cases.mjs';

const otherSide = fileURLToPath(new URL('./greet.cjs', import.meta.url));

export const childProcess = startCases(async () => {
  const child = fork(otherSide);
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
  const thread = new Worker(otherSide);
  await once(thread, 'message');
  return { pid: process.pid, end: () => thread.terminate() };
});
