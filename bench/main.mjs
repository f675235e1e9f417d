// npm run bench -- [SUITE ...] [--quick] [--json] [--check] [--upto ISSUE]
import { parseArgs } from 'node:util';
import { compare } from './comparison.mjs';
import { describeMachine } from './environment.mjs';
import { installPeers } from './install.mjs';
import { reportComparison, reportVerdicts } from './report.mjs';
import { thresholds } from './thresholds.mjs';
import { judge } from './verdicts.mjs';

const SUITES = ['calibration', 'queue', 'pipe', 'start', 'pool', 'deaths', 'demo'];
const USAGE = `npm run bench -- [SUITE ...] [options]

  SUITE      ${SUITES.join(', ')}; without one: all of them
  --quick    less than 40 s for each suite, not 3 minutes; a smoke check rather than a measurement
  --check    prints what falls short of its threshold, and exits with 1 if anything does
  --upto N   judges by the thresholds of issues up to N only
  --json     prints the data
`;

function readOptions(args) {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      json: { type: 'boolean', default: false },
      check: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
      upto: { type: 'string', default: 'Infinity' },
    },
  });
  const unknown = positionals.find((name) => !SUITES.includes(name));
  if (unknown !== undefined) throw new TypeError(`expected a suite (${SUITES.join(', ')}), got "${unknown}"`);
  const upto = Number(values.upto);
  if (Number.isNaN(upto)) throw new TypeError(`--upto must be the number of an issue, got "${values.upto}"`);
  return { ...values, upto, suites: positionals.length > 0 ? positionals : SUITES };
}

/** Measures all comparisons of a suite; what one does not need of its share of the time the later ones have. */
async function measureAll(comparisons, { quick }, show) {
  const end = performance.now() + (quick ? 30_000 : 150_000);
  const results = [];
  for (const [i, comparison] of comparisons.entries()) {
    const milliseconds = (end - performance.now()) / (comparisons.length - i);
    const result = await compare(comparison, { rounds: quick ? 3 : 9, milliseconds });
    show(reportComparison(result));
    results.push(result);
  }
  return results;
}

async function runSuite(name, options, show) {
  const suite = await import(`./suites/${name}.mjs`);
  const started = performance.now();
  const settings = { quick: options.quick, milliseconds: options.quick ? 50 : 200 };
  const comparisons = suite.comparisons ? await measureAll(suite.comparisons(settings), options, show) : [];
  const table = await suite.run?.(settings);
  if (table) show(table.lines);
  const verdicts = [
    ...thresholds
      .filter((threshold) => threshold.suite === name && threshold.issue <= options.upto)
      .map((threshold) => judge(threshold, comparisons)),
    ...(table?.verdicts ?? []),
  ];
  if (verdicts.length > 0) show(['', ...reportVerdicts(verdicts)]);
  const seconds = (performance.now() - started) / 1000;
  show(['', `  ${name}: ${seconds.toFixed(0)} s`]);
  return { seconds, comparisons, table: table?.data, verdicts };
}

async function main(options) {
  const show = (lines) => {
    if (!options.json) process.stdout.write(`${lines.join('\n')}\n`);
  };
  const machine = describeMachine();
  show([`${machine.cpu}, ${machine.cpus} CPUs, Linux ${machine.kernel}, Node ${machine.node}`]);
  installPeers();
  const suites = {};
  for (const name of options.suites) {
    show(['', `=== ${name}`]);
    suites[name] = await runSuite(name, options, show);
  }
  if (options.json)
    process.stdout.write(`${JSON.stringify({ machine, quick: options.quick, suites }, undefined, 2)}\n`);
  const short = Object.values(suites)
    .flatMap(({ verdicts }) => verdicts)
    .filter(({ state }) => state === 'short');
  if (!options.check || short.length === 0) return;
  process.stderr.write(
    `\n${short.length} fall short:\n${short.map(({ name, wanted, why }) => `  ${name} ${wanted}${why ? `: ${why}` : ''}`).join('\n')}\n`,
  );
  process.exitCode = 1;
}

// `npm run bench | head` is no reason for a stack trace.
process.stdout.on('error', () => process.exit(0));
try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) process.stdout.write(USAGE);
  else await main(options);
} catch (error) {
  if (!(error instanceof TypeError)) throw error;
  process.stderr.write(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}
