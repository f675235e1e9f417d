'use strict';
const { leftovers } = require('./leftovers');

/** After the suite nothing may be left. Jest's own workers may still hold memory of tests for a moment. */
module.exports = async () => {
  const before = globalThis.forkfulLeftoversBefore;
  const isNew = (found) => !before.has(found);
  for (let tries = 0; tries < 100 && leftovers().some(isNew); tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const left = leftovers().filter(isNew);
  if (left.length > 0) throw new Error(`left behind by the suite:\n${left.join('\n')}`);
};
