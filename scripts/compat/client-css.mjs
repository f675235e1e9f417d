// css-minimizer-webpack-plugin minifies real style sheets; its workers are those of jest-worker: 29 in its release 5, 30 in
// its release 8.
import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Project } from './project.mjs';

const SHEETS = 'bootstrap@5.3.8';
const RELEASES = [
  { plugin: 'css-minimizer-webpack-plugin@5.0.1', worker: '29.7.0' },
  { plugin: 'css-minimizer-webpack-plugin@8.0.0', worker: '30.5.1' },
];

const BUILD = `
const { createRequire } = require('node:module');
const { readFileSync, readdirSync } = require('node:fs');
const { dirname, join } = require('node:path');
const webpack = require('webpack');
const Minimizer = require('css-minimizer-webpack-plugin');

const isBroken = process.argv.includes('broken');
const folder = join(dirname(require.resolve('bootstrap/package.json')), 'dist/css');
const names = readdirSync(folder).filter((name) => name.endsWith('.css') && !name.endsWith('.min.css'));

/** Brings the sheets among the assets, or one that nobody can read. */
class Sheets {
  apply(compiler) {
    compiler.hooks.thisCompilation.tap('Sheets', (compilation) => {
      compilation.hooks.processAssets.tap('Sheets', () => {
        const emit = (name, text) => compilation.emitAsset(name, new webpack.sources.RawSource(text));
        if (isBroken) emit('broken.css', 'a { b: url(');
        else for (const name of names) emit(name, readFileSync(join(folder, name), 'utf8'));
      });
    });
  }
}

const began = performance.now();
webpack(
  {
    mode: 'production',
    target: 'node',
    context: __dirname,
    entry: './entry.js',
    output: { path: __dirname + '/out' },
    plugins: [new Sheets()],
    optimization: { minimizer: [new Minimizer({ parallel: 2 })] },
  },
  (error, stats) => {
    if (error) throw error;
    const worker = createRequire(require.resolve('css-minimizer-webpack-plugin')).resolve('jest-worker/package.json');
    const { version } = require(worker);
    console.log(JSON.stringify({
      errors: stats.toJson().errors.map(({ message }) => message.split('\\n')[0]),
      time: performance.now() - began,
      worker: { version, isAlias: worker.includes('alias') },
    }));
  },
);
`;

/** Names and digests of the sheets that were written. */
function sheets(folder) {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.css'))
    .sort()
    .map((name) => {
      const content = readFileSync(join(folder, name));
      return { name, bytes: content.length, digest: createHash('sha256').update(content).digest('hex') };
    });
}

function runs({ plugin, worker }, original) {
  const project = new Project([plugin, 'webpack', SHEETS], original, worker);
  try {
    project.write('entry.js', '');
    project.write('build.cjs', BUILD);
    const out = join(project.folder, 'out');
    const build = (...args) => {
      rmSync(out, { recursive: true, force: true });
      const { status, stdout, stderr } = project.node('build.cjs', ...args);
      assert.equal(status, 0, stderr);
      return JSON.parse(stdout);
    };
    build(); // files and code are in the system's cache
    const whole = build();
    return { whole, files: sheets(out), broken: build('broken') };
  } finally {
    project.remove();
  }
}

/** @throws AssertionError unless the sheets are the same to the byte, and so are the errors */
export default function css() {
  for (const release of RELEASES) {
    const original = runs(release, undefined);
    const ours = runs(release, 'jest-worker');
    assert.deepEqual([original.whole.worker.isAlias, ours.whole.worker.isAlias], [false, true]);
    assert.equal(original.whole.worker.version.split('.')[0], release.worker.split('.')[0]);
    assert.deepEqual(original.whole.errors, []);
    assert.deepEqual(ours.whole.errors, []);
    assert.equal(original.broken.errors.length, 1);
    assert.deepEqual(ours.broken.errors, original.broken.errors);
    assert.deepEqual(ours.files, original.files);
    const bytes = ours.files.reduce((sum, file) => sum + file.bytes, 0);
    const seconds = ({ whole }) => `${(whole.time / 1000).toFixed(2)} s`;
    console.log(
      `${release.plugin}: ${ours.files.length} sheets, ${(bytes / 1e6).toFixed(1)} MB, the same to the byte; one that cannot ` +
        'be read gives the same error',
    );
    console.log(
      `  jest-worker ${original.whole.worker.version}: ${seconds(original)}; forkful/compat/jest-worker: ${seconds(ours)}`,
    );
  }
}
