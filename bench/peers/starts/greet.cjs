'use strict';
// The other side of every Node start: nothing but a first message, so that what is measured is the start.
const { isMainThread, parentPort } = require('node:worker_threads');

/** Ours. */
exports.greet = async (connection) => {
  await connection.send(process.pid);
  await connection.recv();
};

if (!isMainThread) {
  parentPort.on('message', () => {}); // stays until it is terminated
  parentPort.postMessage(process.pid);
} else if (require.main === module) {
  process.on('message', () => {}); // stays until it is disconnected
  process.send(process.pid);
}
