import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { pollAddon } from '../../native/build.mjs';
import { eventChannelCases } from './event-channel.mjs';

/** Two event loops that wake each other by eventfds, without any message: what no library on Node can do better. */

const OTHER_SIDE = 'the other event loop';
const load = createRequire(import.meta.url);

async function open() {
  const file = pollAddon();
  const addon = load(file);
  const [ours, theirs] = [addon.create(), addon.create()];
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url), OTHER_SIDE, file], {
    stdio: ['ignore', 'pipe', 'inherit', ours, theirs],
  });
  await once(child.stdout, 'data');
  let heard;
  addon.watch(ours, () => heard());
  return {
    pid: child.pid,
    send: () => addon.ring(theirs),
    onMessage: (listener) => (heard = listener),
    close: () => child.kill('SIGKILL'),
  };
}

export const eventfd = eventChannelCases(open);

if (process.argv[2] === OTHER_SIDE) {
  const [ours, theirs] = [4, 3];
  const addon = load(process.argv[3]);
  addon.watch(ours, () => addon.ring(theirs));
  process.stdout.write('ready');
}
