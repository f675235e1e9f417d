// npm run test:package [-- --versions 20,22,24,26]: what npm would publish, installed in an empty project without scripts, and used as
// its users would: from CommonJS, ES modules and TypeScript, by every Node, with and without a compiler on the PATH.
// Needs the prebuilds: npm run prebuilds.
import { execFileSync, spawnSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { nodeOf } from './nodes.mjs';
import { missingPrebuilds, sayMissing } from './prebuilds.mjs';

const root = fileURLToPath(new URL('..', import.meta.url));
const CONSUMER = join(root, 'test', 'consumer');
const MOST_BYTES = 1_000_000;
/** The oldest compiler that is promised, and the one that the package is made with. */
const OLDEST_TYPESCRIPT = '5.2.2';
const TYPES_CHECKER = '@arethetypeswrong/cli@0.18.5';
const COMPILERS = ['gcc', 'g++', 'cc', 'c++', 'clang', 'clang++', 'make', 'python3'];

const { values } = parseArgs({ options: { versions: { type: 'string', default: '20,22,24,26' } } });
const problems = [];

function check(what, isRight, details = '') {
  console.log(`${isRight ? 'ok     ' : 'PROBLEM'} ${what}`);
  if (!isRight) problems.push(`${what}\n${details}`);
}

const npm = (args, cwd) =>
  execFileSync('npm', [...args, '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd,
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'inherit'],
  });

/** A PATH on which there is everything but what compiles. */
function withoutCompiler(folder) {
  const bare = join(folder, 'bin');
  mkdirSync(bare);
  for (const name of ['sh', 'env', 'uname', 'ldd', 'cat']) {
    const found = process.env.PATH.split(delimiter)
      .map((one) => join(one, name))
      .find(existsSync);
    if (found !== undefined) symlinkSync(found, join(bare, name));
  }
  for (const name of COMPILERS)
    if (existsSync(join(bare, name))) throw new Error(`${name} must not be there`);
  return bare;
}

const missing = missingPrebuilds(root);
if (missing.length > 0) {
  console.error(`pack-test: ${sayMissing(missing)}`);
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), 'forkful-package-'));
try {
  npm(['pack', '--ignore-scripts', '--pack-destination', folder], root);
  const { version } = JSON.parse(
    execFileSync(process.execPath, ['-p', 'JSON.stringify(require("./package.json"))'], {
      cwd: root,
      encoding: 'utf8',
    }),
  );
  const tarball = join(folder, `forkful-${version}.tgz`);
  const { size } = statSync(tarball);
  check(`it packs into ${size} bytes, at most ${MOST_BYTES}`, size <= MOST_BYTES);

  const project = join(folder, 'project');
  cpSync(CONSUMER, project, { recursive: true });
  writeFileSync(join(project, 'package.json'), '{ "private": true }\n');
  npm(['install', '--no-save', '--ignore-scripts', tarball, '@types/node@20'], project);

  const bare = withoutCompiler(folder);
  for (const wanted of values.versions.split(',')) {
    const node = nodeOf(wanted);
    for (const [where, path] of [
      ['', process.env.PATH],
      [', no compiler', bare],
    ]) {
      const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${path}`, FORKFUL_BACKEND: '' };
      for (const file of ['common.cjs', 'module.mjs']) {
        const { status, stdout, stderr } = spawnSync(node, [file], {
          cwd: project,
          env,
          encoding: 'utf8',
          timeout: 60_000,
        });
        const expected = 'native 42 1,4,9 true\n';
        check(
          `Node ${wanted}${where}: ${file}`,
          status === 0 && stdout === expected && stderr === '',
          `${stdout}${stderr}`,
        );
      }
    }
    const doctor = join(project, 'node_modules', 'forkful', 'dist', 'cli', 'main.js');
    const { status, stdout, stderr } = spawnSync(node, [doctor, 'doctor'], {
      cwd: project,
      encoding: 'utf8',
      timeout: 60_000,
    });
    check(`Node ${wanted}: forkful doctor`, status === 0, `${stdout}${stderr}`);
  }

  const checker = join(folder, 'checker');
  mkdirSync(checker);
  writeFileSync(join(checker, 'package.json'), '{ "private": true }\n');
  npm(['install', '--no-save', TYPES_CHECKER], checker);
  const attw = spawnSync(join(checker, 'node_modules/.bin/attw'), ['--no-color', tarball], {
    encoding: 'utf8',
  });
  check(TYPES_CHECKER, attw.status === 0, attw.stdout);

  for (const [name, typescript] of [
    [OLDEST_TYPESCRIPT, `typescript@${OLDEST_TYPESCRIPT}`],
    ['current', undefined],
  ]) {
    let tsc = join(root, 'node_modules', 'typescript', 'lib', 'tsc.js');
    if (typescript !== undefined) {
      const compiler = join(folder, 'typescript');
      mkdirSync(compiler);
      writeFileSync(join(compiler, 'package.json'), '{ "private": true }\n');
      npm(['install', '--no-save', typescript], compiler);
      tsc = join(compiler, 'node_modules', 'typescript', 'lib', 'tsc.js');
    }
    const compile = (...args) =>
      spawnSync(process.execPath, [tsc, '-p', ...args], { cwd: project, encoding: 'utf8' });
    const { status, stdout } = compile('tsconfig.json');
    check(`TypeScript ${name}, skipLibCheck: false`, status === 0, stdout);
    // TypeScript 6 calls this resolution deprecated, and 5 does not know how to be told that this is known.
    const silence = typescript === undefined ? ['--ignoreDeprecations', '6.0'] : [];
    const old = compile('tsconfig.node10.json', ...silence);
    check(`TypeScript ${name}, moduleResolution: node10`, old.status === 0, old.stdout);
    const ran = spawnSync(process.execPath, ['typed.mjs'], {
      cwd: project,
      encoding: 'utf8',
      timeout: 60_000,
    });
    check(
      `what TypeScript ${name} made`,
      ran.status === 0 && ran.stdout === 'native 42\n',
      `${ran.stdout}${ran.stderr}`,
    );
  }
} finally {
  rmSync(folder, { recursive: true });
}
for (const problem of problems) console.error(problem);
process.exitCode = problems.length === 0 ? 0 : 1;
