// terser-webpack-plugin, whose workers are those of jest-worker 27, minifies what webpack has bundled.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Project } from './project.mjs';

/** Each is a bundle of its own. */
const PACKAGES = ['acorn', 'bson', 'express', 'pngjs', 'terser', 'uuid'];
const VERSION = '27.5.1';

const BUILD = `
const { createRequire } = require('node:module');
const webpack = require('webpack');
const Terser = require('terser-webpack-plugin');

/** Brings an asset among the others that terser refuses. */
class Broken {
  apply(compiler) {
    compiler.hooks.thisCompilation.tap('Broken', (compilation) => {
      compilation.hooks.processAssets.tap('Broken', () => {
        compilation.emitAsset('broken.js', new webpack.sources.RawSource('let = = 1;'));
      });
    });
  }
}

const isBroken = process.argv.includes('broken');
const packages = isBroken ? ['uuid'] : ${JSON.stringify(PACKAGES)};
const began = performance.now();
webpack(
  {
    mode: 'production',
    target: 'node',
    devtool: 'source-map',
    context: __dirname,
    entry: Object.fromEntries(packages.map((name) => [name, name])),
    // A dependency of jest-worker, which express's would bundle if it is there.
    externals: { 'supports-color': 'commonjs supports-color' },
    output: { path: __dirname + '/out', library: { type: 'commonjs2' } },
    ignoreWarnings: [/./],
    plugins: isBroken ? [new Broken()] : [],
    optimization: { minimizer: [new Terser({ parallel: 2, extractComments: false })] },
  },
  (error, stats) => {
    if (error) throw error;
    const worker = createRequire(require.resolve('terser-webpack-plugin')).resolve('jest-worker/package.json');
    const { version } = require(worker);
    console.log(JSON.stringify({
      errors: stats.toJson().errors.map(({ message }) => message.split('\\n')[0]),
      time: performance.now() - began,
      worker: { version, isAlias: worker.includes('alias') },
    }));
  },
);
`;

/** Names and digests of all that was written. */
function bundle(folder) {
  const files = existsSync(folder) ? readdirSync(folder).sort() : []; // nothing is written after an error
  return files.map((name) => {
    const content = readFileSync(join(folder, name));
    return { name, bytes: content.length, digest: createHash('sha256').update(content).digest('hex') };
  });
}

function runs(original) {
  const project = new Project(['terser-webpack-plugin', 'webpack', ...PACKAGES], original, VERSION);
  try {
    project.write('build.cjs', BUILD);
    const build = (...args) => {
      rmSync(join(project.folder, 'out'), { recursive: true, force: true });
      const { status, stdout, stderr } = project.node('build.cjs', ...args);
      assert.equal(status, 0, stderr);
      return { ...JSON.parse(stdout), files: bundle(join(project.folder, 'out')) };
    };
    build(); // files and code are in the system's cache
    return { whole: build(), broken: build('broken') };
  } finally {
    project.remove();
  }
}

/** @throws AssertionError unless the bundles are the same to the byte, and so are the errors */
export default function terser() {
  const original = runs(undefined);
  const ours = runs('jest-worker');
  assert.deepEqual([original.whole.worker.isAlias, ours.whole.worker.isAlias], [false, true]);
  assert.deepEqual(original.whole.errors, []);
  assert.equal(original.broken.errors.length, 1);
  for (const part of ['whole', 'broken']) {
    assert.deepEqual(ours[part].errors, original[part].errors);
    assert.deepEqual(ours[part].files, original[part].files);
  }
  const { files } = ours.whole;
  const bytes = files.reduce((sum, file) => sum + file.bytes, 0);
  const seconds = ({ time }) => `${(time / 1000).toFixed(2)} s`;
  console.log(
    `terser-webpack-plugin: ${files.length} files, ${(bytes / 1e6).toFixed(1)} MB, the same to the byte; an asset that ` +
      'cannot be minified gives the same error',
  );
  console.log(
    `  jest-worker ${original.whole.worker.version}: ${seconds(original.whole)}; ` +
      `forkful/compat/jest-worker: ${seconds(ours.whole)}`,
  );
}
