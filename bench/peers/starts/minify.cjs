'use strict';
// A real job: minifies a module of a real package, loading the minifier first. As a program: once, and tells its parent.
const { readFileSync } = require('node:fs');

/** Runs after which a minifier is about as fast as it gets. */
const WARM = 30;

exports.minify = async () => {
  const { minify } = require('terser');
  const { code } = await minify(readFileSync(require.resolve('express/lib/response'), 'utf8'));
  return code.length;
};
exports.warmUp = async () => {
  for (let i = 0; i < WARM; i++) await exports.minify();
};
exports.nothing = () => {};

if (require.main === module) exports.minify().then((bytes) => process.send(bytes));
