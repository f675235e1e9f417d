// npm run prebuilds [-- --arch x64,arm64]: stripped prebuilds of the addon for Linux with glibc into prebuilds/, where the loader
// finds them. arm64 is cross-compiled (Debian: g++-aarch64-linux-gnu). Fails if one needs a newer C library than the docs say.
import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const TOOLS = { x64: 'x86_64-linux-gnu', arm64: 'aarch64-linux-gnu' };
const SOURCES = ['binding.gyp', 'package.json', 'native', 'scripts'];
/** What docs/backends.md says that a prebuild needs. */
const NEWEST = { GLIBC: '2.34', GLIBCXX: '3.4.29', CXXABI: '1.3.11' };

const { values } = parseArgs({ options: { arch: { type: 'string', default: 'x64,arm64' } } });

function tool(arch, name) {
  const cross = `${TOOLS[arch]}-${name}`;
  const isThere = spawnSync(cross, ['--version'], { stdio: 'ignore' }).status === 0;
  if (!isThere && arch !== process.arch) {
    console.error(
      `prebuild: expected ${cross} for ${arch}, found none; install it (Debian: apt-get install g++-${TOOLS[arch]})`,
    );
    process.exit(1);
  }
  return isThere ? cross : name;
}

/** Node's headers, which npm knows of but node-gyp alone would download. */
function headers() {
  const here = join(dirname(process.execPath), '..');
  const nodedir =
    process.env['npm_config_nodedir'] ??
    (existsSync(join(here, 'include/node/node_api.h')) ? here : undefined);
  return nodedir === undefined ? {} : { npm_config_nodedir: nodedir };
}

/** In a folder of its own: the build of this checkout is for those who work on it. */
function build(arch) {
  const folder = mkdtempSync(join(tmpdir(), 'forkful-prebuild-'));
  try {
    for (const source of SOURCES) cpSync(join(root, source), join(folder, source), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(folder, 'node_modules'));
    execFileSync(
      join(root, 'node_modules/.bin/prebuildify'),
      [
        '--napi',
        '--strip',
        '--strip-bin',
        tool(arch, 'strip'),
        '--tag-libc',
        'glibc',
        '--arch',
        arch,
        '--cwd',
        folder,
        '--out',
        root,
      ],
      {
        cwd: folder,
        stdio: ['ignore', 'ignore', 'pipe'], // told by the error, if there is one
        env: {
          ...process.env,
          ...headers(),
          CC: tool(arch, 'gcc'),
          CXX: tool(arch, 'g++'),
        },
      },
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const isNewer = (version, than) => version.localeCompare(than, 'en', { numeric: true }) > 0;

/** The newest version of each library that its symbols ask for. */
function needs(arch, file) {
  const symbols = execFileSync(tool(arch, 'objdump'), ['-T', file], { encoding: 'utf8' });
  const newest = {};
  for (const [, library, version] of symbols.matchAll(/\b(GLIBC|GLIBCXX|CXXABI)_([\d.]+)/g)) {
    if (newest[library] === undefined || isNewer(version, newest[library])) newest[library] = version;
  }
  return newest;
}

const archs = values.arch.split(',');
for (const arch of archs) {
  if (TOOLS[arch] === undefined) {
    console.error(`prebuild: expected --arch to be of ${Object.keys(TOOLS).join(', ')}, got ${arch}`);
    process.exit(2);
  }
  // Before anything is removed: who lacks a tool keeps what was built.
  for (const name of ['gcc', 'g++', 'strip', 'objdump']) tool(arch, name);
}
for (const arch of archs) {
  const folder = join(root, 'prebuilds', `linux-${arch}`);
  rmSync(folder, { recursive: true, force: true });
  build(arch);
  const files = readdirSync(folder);
  if (files.length !== 1) throw new Error(`expected one file in ${folder}, found ${files.join(', ')}`);
  const needed = needs(arch, join(folder, files[0]));
  // Nothing found would pass every comparison: an addon always needs a C library.
  if (needed.GLIBC === undefined) throw new Error(`expected symbols of GLIBC in ${files[0]}, found none`);
  console.log(
    `prebuilds/linux-${arch}/${files[0]}: ${Object.entries(needed)
      .map((one) => one.join('_'))
      .join(', ')}`,
  );
  for (const [library, version] of Object.entries(needed)) {
    if (!isNewer(version, NEWEST[library])) continue;
    console.error(
      `prebuild: it needs ${library}_${version}, and the docs say ${NEWEST[library]}: mend the cause, or the docs`,
    );
    process.exitCode = 1;
  }
}
