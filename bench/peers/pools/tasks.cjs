'use strict';
// What the pools run. Each function stands for itself: one of the peers sends its source text. Those that wait are async:
// one of the peers awaits no others.

exports.increment = (x) => x + 1;
exports.same = (x) => x;
exports.length = (bytes) => bytes.length ?? Object.keys(bytes).length; // not everybody hands over a Buffer as one
exports.pid = () => process.pid;
exports.minify = async (file) => {
  const { code } = await require('terser').minify(require('node:fs').readFileSync(file, 'utf8'));
  return code.length;
};
exports.hash = (file) =>
  require('node:crypto').createHash('sha256').update(require('node:fs').readFileSync(file)).digest('hex');
exports.block = (milliseconds) => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, milliseconds);
};

// Ways to die. Each leaves a byte in a file first, so that it is seen if it runs again. Where somebody keeps the
// worker alive in spite of it, the task ends by itself: it is never the task that hangs.

exports.exit = (file) => {
  require('node:fs').appendFileSync(file, '.');
  process.exit(3);
};
exports.sigkill = async (file) => {
  require('node:fs').appendFileSync(file, '.');
  process.kill(process.pid, 'SIGKILL');
  return new Promise((resolve) => setTimeout(resolve, 1000, 'survived'));
};
exports.abort = (file) => {
  require('node:fs').appendFileSync(file, '.');
  process.abort();
};
exports.throwInTimer = async (file) => {
  require('node:fs').appendFileSync(file, '.');
  setTimeout(() => {
    throw new Error('thrown in a timer');
  }, 10);
  return new Promise((resolve) => setTimeout(resolve, 1000, 'survived'));
};
exports.unhandledRejection = async (file) => {
  require('node:fs').appendFileSync(file, '.');
  Promise.reject(new Error('nobody handles this'));
  return new Promise((resolve) => setTimeout(resolve, 1000, 'survived'));
};
exports.stackOverflow = (file) => {
  require('node:fs').appendFileSync(file, '.');
  const deeper = (n) => deeper(n + 1) + 1;
  return deeper(0);
};
exports.outOfMemory = (file) => {
  require('node:fs').appendFileSync(file, '.');
  const kept = [];
  for (;;) kept.push(new Array(100_000).fill(kept.length + 0.5));
};
