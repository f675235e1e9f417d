// What npm would publish: all that a user needs, nothing that is ours alone.
import { execFileSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const output = execFileSync('npm', ['pack', '--dry-run', '--json', '--ignore-scripts', '--loglevel=error'], {
  cwd: root,
  encoding: 'utf8',
  shell: process.platform === 'win32',
});
const report = JSON.parse(output);
const [packed] = Array.isArray(report) ? report : Object.values(report); // npm 12 prints an object by name
const paths = packed.files.map((file) => file.path);

const compat = readdirSync(new URL('../dist/compat', import.meta.url), { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => `compat/${name}/index`);
const needed = [
  ...[
    'LICENSE',
    'README.md',
    'CHANGELOG.md',
    'package.json',
    'docs/errors.md',
    'dist/cli/main.js',
    'bench/main.mjs',
  ],
  ...['index', 'shm/index', ...compat].flatMap((door) =>
    ['js', 'd.ts', 'mjs', 'd.mts'].map((ending) => `dist/${door}.${ending}`),
  ),
];
const allowed =
  /^(LICENSE|README(\.zh-CN)?\.md|CHANGELOG\.md|package\.json|docs\/.+|bench\/.+\.(m?js|cjs|py|json)|prebuilds\/.+|dist\/.+\.(m?js|d\.m?ts|m?js\.map))$/;
const MOST_BYTES = 4 * 1024 * 1024;

const faults = [
  ...needed.filter((path) => !paths.includes(path)).map((path) => `${path} is missing`),
  ...paths.filter((path) => !allowed.test(path)).map((path) => `${path} does not belong there`),
];
if (packed.unpackedSize > MOST_BYTES) {
  faults.push(`it unpacks to ${packed.unpackedSize} bytes, at most ${MOST_BYTES} are expected`);
}
if (faults.length > 0) {
  console.error(
    `the package that npm would publish is wrong:\n${faults.map((text) => `  ${text}`).join('\n')}`,
  );
  process.exit(1);
}
console.log(`package: ${paths.length} files, ${packed.unpackedSize} bytes unpacked`);
