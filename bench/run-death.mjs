// run-death.mjs JSON: a pool whose task kills its worker; prints how the task's promise settled, once it has.
import { writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const { module, peer, death, file } = JSON.parse(process.argv[2]);
// If memory runs short in spite of all limits, this program is the one to end.
writeFileSync('/proc/self/oom_score_adj', '1000');

let uncaught;
process.on('uncaughtException', (error) => (uncaught ??= error));
process.on('unhandledRejection', (error) => (uncaught ??= error));

const { [peer]: cases } = await import(new URL(module, new URL('./peers/', import.meta.url)));
const MEGABYTES = 64;
const pool = await cases.open({
  workers: 2,
  resourceLimits: { maxOldGenerationSizeMb: MEGABYTES },
  execArgv: [`--max-old-space-size=${MEGABYTES}`],
});
await pool.run('increment', 1);

const describe = (error) => ({
  name: error?.constructor?.name ?? typeof error,
  code: error?.code,
  message: String(error?.message ?? JSON.stringify(error)).split('\n')[0],
});
setInterval(() => {}, 1000); // a program has more to do: it does not end because nobody settles this task
const started = performance.now();
const outcome = await Promise.resolve(pool.run(death, file)).then(
  (value) => ({ state: 'resolves', value }),
  (error) => ({ state: 'rejects', error: describe(error) }),
);
const milliseconds = performance.now() - started;
await sleep(300); // whoever runs it once more does so about now
const answer = { ...outcome, milliseconds, uncaught: uncaught && describe(uncaught) };
process.stdout.write(`\n${JSON.stringify(answer)}\n`, () => process.exit());
