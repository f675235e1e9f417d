'use strict';
const { leftovers } = require('./leftovers');

/** After the suite nothing may be left: what is, fails the run. Jest's own workers are given the time to end. */
module.exports = async () => {
  const left = () => leftovers(globalThis.forkfulMemoryBefore);
  for (let tries = 0; tries < 100 && left().length > 0; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const found = left();
  if (found.length > 0) throw new Error(`left behind by the suite:\n${found.join('\n')}`);
};
