// npm run bench -- [queue] [pool] [demo] [--check]: figures as medians of interleaved runs, beside what they are compared with.
import { parseArgs } from 'node:util';
import { demo } from './demo.mjs';
import { pool } from './pool.mjs';
import { queue } from './queue.mjs';
import { thresholds } from './thresholds.mjs';

const suites = { queue, pool, demo };
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { check: { type: 'boolean', default: false }, runs: { type: 'string', default: '5' } },
});
delete process.env.NODE_EXTRA_CA_CERTS; // some machines set it, and every Node then starts 40 ms later
const unknown = positionals.filter((name) => !(name in suites));
if (unknown.length > 0) {
  console.error(`There is no suite "${unknown[0]}"; there are ${Object.keys(suites).join(', ')}.`);
  process.exit(2);
}
let short = 0;
for (const name of positionals.length > 0 ? positionals : Object.keys(suites)) {
  console.log(`\n${name}`);
  for (const [figure, { value, unit, spread }] of Object.entries(await suites[name](Number(values.runs)))) {
    const least = thresholds[name]?.[figure];
    const verdict =
      least === undefined ? '' : value >= least ? `  (at least ${least}: yes)` : `  (at least ${least}: NO)`;
    if (verdict.endsWith('NO)')) short++;
    const number = value >= 1000 ? Math.round(value).toLocaleString('en') : value.toFixed(2);
    console.log(`  ${figure.padEnd(52)} ${number.padStart(12)} ${unit.padEnd(8)} ${spread}${verdict}`);
  }
}
if (values.check && short > 0) {
  console.error(`\n${short} figure(s) fall short`);
  process.exit(1);
}
