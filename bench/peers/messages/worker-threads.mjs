import { once } from 'node:events';
import { Worker, isMainThread, parentPort } from 'node:worker_threads';
import { eventChannelCases } from './event-channel.mjs';
import { answerWith } from './messages.mjs';

async function open() {
  const worker = new Worker(new URL(import.meta.url));
  await once(worker, 'message');
  return {
    pid: process.pid,
    send: (message) => worker.postMessage(message),
    onMessage: (listener) => worker.removeAllListeners('message').on('message', listener),
    close: () => worker.terminate(),
  };
}

export const postMessage = eventChannelCases(open);

if (!isMainThread) {
  parentPort.on(
    'message',
    answerWith((message) => parentPort.postMessage(message)),
  );
  parentPort.postMessage('ready');
}
