'use strict';
const { randomUUID } = require('node:crypto');
const { MARK, namedMemory } = require('./leftovers');

module.exports = () => {
  process.env[MARK] = randomUUID();
  globalThis.forkfulMemoryBefore = namedMemory();
};
