'use strict';
// Loaded into each process and thread by scripts/coverage.mjs. Node writes the coverage of a thread when the thread ends by itself, but
// not when it ends with its program, as the hub of the child_process backend does; nor of one with an environment of its own.
const { takeCoverage } = require('node:v8');
const threads = require('node:worker_threads');

const { NODE_V8_COVERAGE } = process.env;

function takeAfter(milliseconds) {
  setTimeout(() => {
    takeCoverage();
    takeAfter(Math.min(milliseconds * 4, 10_000));
  }, milliseconds).unref();
}

if (!threads.isMainThread) takeAfter(250);

threads.Worker = class Worker extends threads.Worker {
  constructor(file, { execArgv, env, ...options } = {}) {
    super(file, {
      ...options,
      ...(execArgv && { execArgv: [...execArgv, `--require=${__filename}`] }),
      ...(env && { env: env === threads.SHARE_ENV ? env : { ...env, NODE_V8_COVERAGE } }),
    });
  }
};
