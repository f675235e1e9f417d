// A temporary project from the registry, with the original or with the adapter in its place.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));
const { devDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));

export class Project {
  /** Where the files are. */
  folder = mkdtempSync(join(tmpdir(), 'forkful-compat-'));

  /**
   * @param dependencies packages that this one is developed with, or others with their versions: `name@1.2.3`
   * @param original the package that the adapter of the same name replaces; undefined: nothing is replaced
   * @param version what the replacement says it is
   */
  constructor(dependencies, original, version) {
    const pinned = Object.fromEntries(
      dependencies.map((name) => {
        const at = name.indexOf('@', 1);
        return at < 0 ? [name, devDependencies[name]] : [name.slice(0, at), name.slice(at + 1)];
      }),
    );
    const overrides = {};
    if (original !== undefined) {
      pinned.forkful = `file:${root}`;
      overrides[original] = 'file:./alias';
      this.write('alias/package.json', JSON.stringify({ name: original, version, main: 'index.js' }));
      this.write('alias/index.js', `module.exports = require('forkful/compat/${original}');\n`);
    }
    this.write('package.json', JSON.stringify({ private: true, dependencies: pinned, overrides }));
    execFileSync('npm', ['install', '--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'], {
      cwd: this.folder,
      stdio: ['ignore', 'ignore', 'inherit'],
    });
  }

  write(name, text) {
    const file = join(this.folder, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
  }

  /** Runs a module of the project; what it printed, its status, and its time in ms. */
  node(...args) {
    const began = performance.now();
    const { status, signal, stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: this.folder,
      encoding: 'utf8',
      timeout: 120_000,
      maxBuffer: 64 * 1024 * 1024,
    });
    return { status, signal, stdout, stderr, time: performance.now() - began };
  }

  remove() {
    rmSync(this.folder, { recursive: true });
  }
}
