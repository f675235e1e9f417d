'use strict';
const { leftovers } = require('./leftovers');

module.exports = () => {
  globalThis.forkfulLeftoversBefore = new Set(leftovers());
};
