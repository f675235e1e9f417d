import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { eventChannelCases } from './event-channel.mjs';
import { answerWith } from './messages.mjs';

const OTHER_SIDE = 'the other side';

async function open(serialization) {
  const child = fork(fileURLToPath(import.meta.url), [OTHER_SIDE], { serialization });
  await once(child, 'message');
  return {
    pid: child.pid,
    send: (message) => child.send(message),
    onMessage: (listener) => child.removeAllListeners('message').on('message', listener),
    close: () => child.kill('SIGKILL'),
  };
}

export const json = eventChannelCases(() => open('json'));
export const advanced = eventChannelCases(() => open('advanced'));

if (process.argv[2] === OTHER_SIDE) {
  process.on(
    'message',
    answerWith((message) => process.send(message)),
  );
  process.send('ready');
}
