'use strict';
const { leftovers } = require('./leftovers');

/** After the suite nothing may be left; jest's own workers may hold the memory of tests until they have ended. */
module.exports = async () => {
  for (let tries = 0; tries < 100 && leftovers().length > 0; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  const left = leftovers();
  if (left.length > 0) throw new Error(`left behind by the suite:\n${left.join('\n')}`);
};
