'use strict';
const { Pool, Process, Queue, backend, isMainProcess } = require('forkful');
const { Ring } = require('forkful/shm');
const { square } = require('./tasks.cjs');

exports.answer = (queue) => queue.put(42);

async function main() {
  const queue = new Queue();
  const child = new Process({ target: exports.answer, args: [queue] });
  await child.start();
  const answer = await queue.get();
  await child.join();
  const pool = new Pool(2);
  const squares = await pool.map(square, [1, 2, 3]);
  await pool.close();
  console.log(backend().name, answer, squares.join(), typeof Ring === 'function');
}
if (isMainProcess) void main();
