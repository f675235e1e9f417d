// `npm run sanitize -- [thread] [address,undefined]` builds the addon and the native tests with these sanitizers, each
// in a folder of its own below build-cmake, and runs the native tests. Without arguments: both.
import { spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const manifest = createRequire(import.meta.url).resolve('cmake-js/package.json');
const cmake = join(dirname(manifest), 'bin', 'cmake-js');
const KILLS = 500;

function run(command, args) {
  const { status, signal, error } = spawnSync(command, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status === 0) return;
  console.error(
    `sanitize: ${command} ${args.join(' ')}: ${error?.message ?? signal ?? `exit code ${status}`}`,
  );
  process.exit(1);
}

const wanted = process.argv.slice(2);
for (const sanitizers of wanted.length > 0 ? wanted : ['address,undefined', 'thread']) {
  if (!/^(thread|address|undefined|address,undefined|undefined,address)$/.test(sanitizers)) {
    console.error(`sanitize: expected "thread" or "address,undefined", got "${sanitizers}"`);
    process.exit(2);
  }
  const build = join('build-cmake', sanitizers.replace(',', '-'), 'build');
  const options = ['--out', build, `--CDSANITIZE=${sanitizers}`, '--log-level', 'error'];
  run(process.execPath, [cmake, 'build', '-B', 'Debug', ...options]);
  run(join(root, build, 'native_tests'), [String(KILLS)]);
  console.log(`sanitize: ${sanitizers}: clean`);
}
