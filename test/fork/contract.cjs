'use strict';
// node --single-threaded test/fork/contract.cjs FILE REPORT: runs a file of the contract with the start method 'fork', and
// writes [{ name, error? }] to REPORT. Jest itself cannot be forked: its tests see a `process` that is not the program's.
const { readFileSync, writeFileSync } = require('node:fs');
const { format } = require('node:util');
const { expect } = require('expect');
const typescript = require('typescript');

require.extensions['.ts'] = (module, file) => {
  const { outputText } = typescript.transpileModule(readFileSync(file, 'utf8'), {
    compilerOptions: {
      module: typescript.ModuleKind.CommonJS,
      target: typescript.ScriptTarget.ES2022,
      esModuleInterop: true,
      inlineSourceMap: true,
    },
    fileName: file,
  });
  module._compile(outputText, file);
};

const TIMEOUT = 30_000;
const tests = [];
/** The blocks that are being described, outermost first. */
const blocks = [{ name: '', before: [], after: [] }];

function describe(name, body) {
  blocks.push({ name, before: [], after: [] });
  body();
  blocks.pop();
}

function test(name, body, timeout = TIMEOUT) {
  tests.push({ name, body, timeout, blocks: [...blocks] });
}

function each(declare) {
  return (rows) => (name, body, timeout) => {
    for (const row of rows) {
      const values = Array.isArray(row) ? row : [row];
      const used = (name.match(/%[sdijo]/g) ?? []).length;
      declare(format(name, ...values.slice(0, used)), () => body(...values), timeout);
    }
  };
}

test.each = each(test);
describe.each = each(describe);
test.skip = (name) => tests.push({ name, blocks: [...blocks], skipped: true });

Object.assign(globalThis, {
  describe,
  test,
  expect,
  beforeEach: (act) => blocks.at(-1).before.push(act),
  afterEach: (act) => blocks.at(-1).after.push(act),
});

async function within(timeout, act) {
  const { pid } = process;
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => {
      // A forked child has this timer too.
      if (process.pid === pid) reject(new Error(`exceeded ${timeout} ms`));
    }, timeout);
  });
  try {
    await Promise.race([act(), late]);
  } finally {
    clearTimeout(timer);
  }
}

async function run({ body, timeout, blocks: around }) {
  try {
    await within(timeout, async () => {
      for (const { before } of around) for (const act of before) await act();
      await body();
    });
  } finally {
    for (const { after } of [...around].reverse())
      for (const act of after) await within(TIMEOUT, async () => act());
  }
}

async function main() {
  const [, , file, report] = process.argv;
  process.exitCode = 1; // until all tests have run: the event loop may end before
  require(file);
  const only = process.env['FORKFUL_TEST_ONLY'];
  const results = [];
  for (const each of tests) {
    const name = [...each.blocks.slice(1).map((block) => block.name), each.name].join(' › ');
    if (only !== undefined && !name.includes(only)) continue;
    const result = { name, skipped: each.skipped === true };
    results.push(result);
    if (result.skipped) continue;
    try {
      await run(each);
    } catch (error) {
      result.error = error instanceof Error ? error.stack : format(error);
    }
    writeFileSync(report, JSON.stringify(results));
  }
  process.exitCode = 0;
}

void main();
