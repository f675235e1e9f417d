'use strict';
// Tasks of the chaos of a pool.
const { setTimeout: sleep } = require('node:timers/promises');
const { currentTask } = require('forkful');

let runs;
/** Initializer: `counts` is where what must run once counts how often it does. */
exports.countRuns = (counts) => {
  runs = counts;
};
const begins = (run) => {
  if (run > 0) Atomics.add(runs, run, 1);
};

exports.add = (a, b, run) => {
  begins(run);
  return a + b;
};
exports.double = (x) => 2 * x;
exports.later = async (x, run) => {
  begins(run);
  await sleep(x % 3);
  return x;
};
exports.sumOfBytes = (buffer) => {
  let sum = 0;
  for (let i = 0; i < buffer.length; i += 997) sum += buffer[i];
  return sum;
};
exports.bytes = (length, value) => Buffer.alloc(length, value);
exports.fails = (x) => {
  throw new RangeError(`failed with ${x}`);
};
exports.spins = (ms, run) => {
  begins(run);
  const end = performance.now() + ms;
  while (performance.now() < end);
  return ms;
};
exports.counts = function* (to) {
  for (let i = 0; i < to; i++) yield i;
};
exports.hangsUnlessStopped = async () => {
  const { signal } = currentTask();
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
};
exports.hangs = () => {
  for (;;);
};
exports.diesOnFirstAttempt = (x) => {
  if (currentTask().attempt <= 1) process.kill(process.pid, 'SIGKILL');
  return x;
};
