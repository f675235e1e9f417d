// `npm run fuzz -- [ring] [codec] --seconds N`: hostile bytes for what is read from shared memory. The ring by libFuzzer
// where the compiler has it (FUZZ_CXX or clang++), else blindly; under AddressSanitizer and UBSan. --seed S repeats.
import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const root = fileURLToPath(new URL('..', import.meta.url));
const out = join(root, 'build-fuzz');
const TARGETS = { ring, codec };

function run(command, args, options = {}) {
  const { status, signal, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (status === 0) return;
  console.error(`fuzz: ${command} ended: ${error?.message ?? signal ?? `exit code ${status}`}`);
  console.error(
    `fuzz: what did it lies in ${out}; keep it as a regression in native/test/hostile.cc or the tests`,
  );
  process.exit(1);
}

function coreSources() {
  const script = join(root, 'scripts', 'gyp-sources.mjs');
  const { stdout } = spawnSync(process.execPath, [script, 'native_tests'], { encoding: 'utf8' });
  return stdout.split(';').filter((source) => source.startsWith('native/core/'));
}

/** A compiler that links libFuzzer, if there is one. */
function fuzzingCompiler() {
  const versions = Array.from({ length: 12 }, (_, i) => `clang++-${25 - i}`);
  return [process.env.FUZZ_CXX, 'clang++', ...versions].find((compiler) => {
    if (compiler === undefined) return false;
    const input = 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }';
    const args = ['-fsanitize=fuzzer', '-x', 'c++', '-', '-o', join(out, 'probe')];
    return spawnSync(compiler, args, { input }).status === 0;
  });
}

function ring(seconds, seed) {
  const compiler = fuzzingCompiler();
  const program = join(out, 'ring');
  const sources = [...coreSources(), 'native/test/hostile.cc', 'native/fuzz/ring_fuzz.cc'];
  if (compiler === undefined) sources.push('native/fuzz/without_coverage.cc');
  const sanitizers = `${compiler === undefined ? '' : 'fuzzer,'}address,undefined`;
  const flags = ['-std=c++20', '-O1', '-g', '-Wall', `-fsanitize=${sanitizers}`, '-fno-sanitize-recover=all'];
  run(compiler ?? process.env.CXX ?? 'g++', [...flags, '-Inative', '-o', program, ...sources, '-lpthread']);
  if (compiler === undefined) {
    console.log(
      'fuzz: no libFuzzer (Debian: apt-get install clang libclang-rt-14-dev): going on without coverage',
    );
    run(program, [seconds, seed, join(out, 'ring-last')]);
    return;
  }
  const corpus = join(out, 'ring-corpus');
  mkdirSync(corpus, { recursive: true });
  const limits = [
    '-timeout=10',
    '-max_len=512',
    '-rss_limit_mb=1500',
    '-print_final_stats=1',
    '-verbosity=0',
  ];
  run(program, [
    ...limits,
    `-max_total_time=${seconds}`,
    `-seed=${seed}`,
    `-artifact_prefix=${out}/ring-`,
    corpus,
  ]);
  console.log(`ok ring: ${seconds} s (seed ${seed})`);
}

function codec(seconds, seed) {
  const script = join(root, 'test', 'fuzz', 'codec.mjs');
  run(process.execPath, ['--max-old-space-size=512', script, seconds, seed, join(out, 'codec-last')]);
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(process.pid) },
  },
});
const wanted = positionals.length > 0 ? positionals : Object.keys(TARGETS);
const unknown = wanted.find((name) => !(name in TARGETS));
if (unknown !== undefined || !(Number(values.seconds) > 0) || !(Number(values.seed) > 0)) {
  console.error(
    'fuzz: expected ring, codec or nothing, --seconds and --seed; as in npm run fuzz -- ring --seconds 600',
  );
  process.exit(2);
}
mkdirSync(out, { recursive: true });
for (const name of wanted) TARGETS[name](values.seconds, values.seed);
