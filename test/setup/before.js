'use strict';
const { randomUUID } = require('node:crypto');
const { MARK } = require('./leftovers');

module.exports = () => {
  process.env[MARK] = randomUUID();
};
