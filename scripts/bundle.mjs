// node scripts/bundle.mjs, after tsc: puts the modules that every program loads into one file, dist/library.js, which loads in half the time
// of two hundred. Each module keeps a file of its own, a door to its part, so that whatever loads it by its path finds it there; it runs
// when it is first asked for, as before.
import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));
const lib = join(root, 'lib');
const dist = join(root, 'dist');

/** Loaded by some programs only; before the library; as a rehearsal, again and again; or by Node itself. */
const APART = /^(cli\/|compat\/(?!families)|backend\/child-process\/|code-cache$|rehearsal$|import-module$)/;
/** What children and forkservers of the native backend run. */
const PROGRAMS = ['child-main', 'forkserver-main'];

const slashes = (path) => path.replaceAll('\\', '/');
const modules = readdirSync(lib, { recursive: true })
  .map(slashes)
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.d.ts'))
  .map((path) => path.slice(0, -'.ts'.length));

const BUNDLES = [
  { file: 'library.js', members: modules.filter((module) => !APART.test(module)) },
  {
    file: 'child-process.js',
    members: modules.filter((module) => module.startsWith('backend/child-process/')),
  },
];

const COMMON = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  external: ['node-gyp-build'],
  tsconfig: join(root, 'tsconfig.json'),
  logLevel: 'warning',
  write: false,
};

/** The module that an import stands for. */
function moduleOf(path, importer) {
  const id = slashes(relative(lib, resolve(dirname(importer), path))).replace(/\.[jt]s$/, '');
  return modules.includes(id) ? id : `${id}/index`;
}

/** What is not a member is loaded by its own path, from the folder of the bundles. */
function only(members) {
  return {
    name: 'only',
    setup(plugin) {
      plugin.onResolve({ filter: /^\./ }, ({ path, importer }) => {
        const module = moduleOf(path, importer);
        return members.includes(module) ? undefined : { path: `./${module}.js`, external: true };
      });
    },
  };
}

/** What the exports of each of these modules are called. */
async function exportsOf(members) {
  const { metafile } = await build({
    ...COMMON,
    entryPoints: members.map((module) => ({ in: join(lib, `${module}.ts`), out: module })),
    outdir: dist,
    format: 'esm',
    splitting: true,
    metafile: true,
    logLevel: 'error',
    plugins: [only(members)],
  });
  const names = Object.entries(metafile.outputs).map(([path, output]) => [
    slashes(relative(dist, join(root, path))).replace(/\.js$/, ''),
    output.exports.filter((name) => name !== 'default'), // what a module without exports is said to have
  ]);
  return new Map(names);
}

async function bundle({ file, members }) {
  // Asked for, not imported: a module runs when it is wanted.
  const parts = members.map((module) => `${JSON.stringify(module)}: () => require('./${module}.ts'),`);
  const { outputFiles } = await build({
    ...COMMON,
    stdin: {
      contents: `module.exports = {\n${parts.join('\n')}\n};\n`,
      resolveDir: lib,
      sourcefile: join(lib, file),
    },
    outfile: join(dist, file),
    format: 'cjs',
    sourcemap: 'linked',
    sourcesContent: false,
    plugins: [only(members)],
  });
  for (const { path, contents } of outputFiles) writeFileSync(path, contents);
  const names = await exportsOf(members);
  for (const module of members) {
    const path = join(dist, `${module}.js`);
    const way = slashes(relative(dirname(path), join(dist, file)));
    const door = [`'use strict';`];
    if (PROGRAMS.includes(module)) door.push(`require('./code-cache').loadLibrary();`);
    door.push(`module.exports = require('${way.startsWith('.') ? way : `./${way}`}')['${module}']();`);
    // Never runs: ES modules that import this one find the names of its exports there.
    if (names.get(module).length > 0)
      door.push(`0 && (module.exports = { ${names.get(module).join(', ')} });`);
    writeFileSync(path, `${door.join('\n')}\n`);
    rmSync(`${path}.map`);
  }
}

await Promise.all(BUNDLES.map(bundle));
