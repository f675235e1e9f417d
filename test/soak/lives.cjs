'use strict';
// How children of a soak end.
const { setTimeout: sleep } = require('node:timers/promises');

exports.returns = (i) => i;
exports.throws = (i) => {
  throw new RangeError(`thrown by ${i}`);
};
exports.exits = (i) => process.exit(i % 100);
exports.rejects = async (i) => {
  void Promise.reject(new Error(`rejected by ${i}`));
  await sleep(60_000);
};
exports.isKilled = async () => {
  await sleep(60_000);
};
exports.killsItself = () => {
  process.kill(process.pid, 'SIGKILL');
  for (;;);
};
exports.crashes = () => {
  process.kill(process.pid, 'SIGSEGV');
  for (;;);
};
/** A forked child's parent is its forkserver. */
exports.killsTheServer = (i, main) => {
  if (process.ppid !== main) process.kill(process.ppid, 'SIGKILL');
  return i;
};
