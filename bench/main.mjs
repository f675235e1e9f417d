// npm run bench -- [SUITE ...] [--quick] [--json] [--check] [--upto ISSUE]
import { parseArgs } from 'node:util';
import { describeMachine } from './environment.mjs';
import { runSuites } from './harness.mjs';
import { installPeers } from './install.mjs';
import { reportVerdicts } from './report.mjs';
import { thresholds } from './thresholds.mjs';
import { judge } from './verdicts.mjs';

const SUITES = [
  'calibration',
  'shm',
  'queue',
  'pipe',
  'requests',
  'locks',
  'start',
  'pool',
  'deaths',
  'demo',
];
/** Those whose peers are packages. */
const WITH_PEERS = ['pool', 'deaths'];
const USAGE = `npm run bench -- [SUITE ...] [options]

  SUITE      ${SUITES.join(', ')}; without one: all of them
  --quick    less than 40 s for each suite, not 3 minutes; a smoke check rather than a measurement
  --check    prints what falls short of its threshold, and exits with 1 if anything does
  --upto N   judges by the thresholds of issues up to N only
  --json     prints the data
`;

class UsageError extends Error {}

function parse(args) {
  try {
    return parseArgs({
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
  } catch (error) {
    throw new UsageError(error.message);
  }
}

function readOptions(args) {
  const { values, positionals } = parse(args);
  const unknown = positionals.find((name) => !SUITES.includes(name));
  if (unknown !== undefined)
    throw new UsageError(`expected a suite (${SUITES.join(', ')}), got "${unknown}"`);
  const upto = Number(values.upto);
  if (Number.isNaN(upto)) throw new UsageError(`--upto must be the number of an issue, got "${values.upto}"`);
  return { ...values, upto, suites: positionals.length > 0 ? positionals : SUITES };
}

async function main({ suites, quick, json, check, upto }) {
  const show = (lines) => {
    if (!json) process.stdout.write(`${lines.join('\n')}\n`);
  };
  const machine = describeMachine();
  show([`${machine.cpu}, ${machine.cpus} CPUs, Linux ${machine.kernel}, Node ${machine.node}`]);
  if (suites.some((name) => WITH_PEERS.includes(name))) installPeers();
  const judged = thresholds.filter(({ issue }) => issue <= upto);
  const load = (name) => import(`./suites/${name}.mjs`);
  const { results, short } = await runSuites(suites, { load, quick, thresholds: judged, show });
  const later = suites === SUITES ? judged.filter(({ suite }) => !SUITES.includes(suite)) : [];
  if (later.length > 0) {
    show([
      '',
      '=== without a suite yet',
      '',
      ...reportVerdicts(later.map((threshold) => judge(threshold, []))),
    ]);
  }
  if (json) process.stdout.write(`${JSON.stringify({ machine, quick, suites: results }, undefined, 2)}\n`);
  if (!check || short.length === 0) return;
  const lines = short.map(({ name, wanted, why }) => `  ${name} ${wanted}${why ? `: ${why}` : ''}`);
  process.stderr.write(`\n${short.length} fall short:\n${lines.join('\n')}\n`);
  process.exitCode = 1;
}

// `npm run bench | head` is no reason for a stack trace.
process.stdout.on('error', () => process.exit(0));
try {
  const options = readOptions(process.argv.slice(2));
  if (options.help) process.stdout.write(USAGE);
  else await main(options);
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n\n${USAGE}`);
  process.exitCode = 2;
}
