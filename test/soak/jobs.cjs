'use strict';
// What the forked children of the soak do.
const { readFileSync, readdirSync } = require('node:fs');
const { join } = require('node:path');
const { PerformanceObserver } = require('node:perf_hooks');
const { setImmediate: turn } = require('node:timers/promises');
const ts = require('typescript');

const LIBRARY = join(__dirname, '..', '..', 'lib');

/** Allocates until the garbage has been collected so many times; how often it was. */
exports.collectGarbage = async (times) => {
  let collections = 0;
  const observer = new PerformanceObserver((list) => (collections += list.getEntries().length));
  observer.observe({ entryTypes: ['gc'] });
  let live = [];
  while (collections < times) {
    live = Array.from({ length: 50_000 }, (_, i) => ({ i, text: `x${i}`, before: live[i % 1000] }));
    for (const one of live) one.before = undefined;
    await turn();
  }
  observer.disconnect();
  return collections;
};

/** Compiles the library's own source, as a build tool's worker would, and checks the types of a part of it. */
exports.compile = () => {
  let bytes = 0;
  for (const file of readdirSync(LIBRARY)) {
    if (!file.endsWith('.ts')) continue;
    const { outputText } = ts.transpileModule(readFileSync(join(LIBRARY, file), 'utf8'), {
      fileName: file,
      compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.CommonJS },
    });
    bytes += outputText.length;
  }
  const program = ts.createProgram([join(LIBRARY, 'errors.ts')], {
    noEmit: true,
    strict: true,
    skipLibCheck: true,
    target: ts.ScriptTarget.ES2022,
    types: ['node'],
    typeRoots: [join(LIBRARY, '..', 'node_modules', '@types')],
  });
  return { bytes, problems: ts.getPreEmitDiagnostics(program).length };
};
