// `npm run stress -- --seconds N`: producers and consumers of the ring, killed, stopped and continued at random, with an
// account of every message. --seed S repeats the choices of an earlier run, though not its timing. --named: of queues with
// names and unrelated programs instead.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    seed: { type: 'string', default: String(process.pid) },
    named: { type: 'boolean', default: false },
  },
});
const seconds = Number(values.seconds);
const seed = Number(values.seed);
if (!(seconds > 0) || !Number.isInteger(seed)) {
  console.error(
    `stress: expected --seconds and --seed to be numbers, got ${values.seconds} and ${values.seed}; ` +
      'for example: npm run stress -- --seconds 600',
  );
  process.exit(2);
}
if (values.named) {
  const { stressNamed } = await import('./stress-named.mjs');
  if (!(await stressNamed(seconds, seed))) {
    console.error(`stress: failed; the seed was ${seed}`);
    process.exitCode = 1;
  }
} else {
  stressRing();
}

function stressRing() {
  const program = fileURLToPath(new URL('../build/Release/native_tests', import.meta.url));
  if (!existsSync(program)) {
    console.error(`stress: expected the native tests at ${program}, found none; run: npm run build:native`);
    process.exit(2);
  }
  const child = spawn(program, ['stress', String(seconds), String(seed)], { stdio: 'inherit' });
  child.on('exit', (code, signal) => {
    if (signal !== null) console.error(`stress: ended by ${signal}; the seed was ${seed}`);
    process.exitCode = code ?? 1;
  });
}
