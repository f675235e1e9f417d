// npm run bench -- [SUITE ...] [options], or forkful bench [SUITE ...] [options]
import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { describeMachine, isCheckout } from './environment.mjs';
import { runSuites } from './harness.mjs';
import { installPeers } from './install.mjs';
import { markdown } from './markdown.mjs';
import { reportVerdicts } from './report.mjs';
import { thresholds } from './thresholds.mjs';
import { judge } from './verdicts.mjs';

const SUITES = [
  'calibration',
  'shm',
  'queue',
  'pipe',
  'sizes',
  'latency',
  'requests',
  'locks',
  'start',
  'pool',
  'scaling',
  'deaths',
  'demo',
];
/** Those whose peers are packages. */
const WITH_PEERS = ['pool', 'deaths'];
const COMMAND = isCheckout ? 'npm run bench --' : 'forkful bench';
const USAGE = `usage: ${COMMAND} [SUITE ...] [options]

  SUITE            ${SUITES.join(', ')}; without one: all of them
  --quick          less than 40 s for each suite, not 3 minutes; a smoke check rather than a measurement
  --json           prints the data, as JSON
  --markdown FILE  writes the tables, as Markdown
  --charts FOLDER  writes a chart of each comparison, as SVG; the Markdown shows them
  --from FILE      measures nothing: takes what --json has printed
  --check          prints what falls short of its threshold, and exits with 1 if anything does
  --upto N         judges by the thresholds of issues up to N only

Without others to compare with, a C++ compiler or Python, their rows say so.
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
        markdown: { type: 'string' },
        charts: { type: 'string' },
        from: { type: 'string' },
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

/** What is there is measured; what is missing and can be had is installed, in a checkout. */
async function measure({ suites, quick, upto }, show) {
  const machine = describeMachine();
  show([`${machine.cpu}, ${machine.cpus} CPUs, Linux ${machine.kernel}, Node ${machine.node}`]);
  if (suites.some((name) => WITH_PEERS.includes(name))) installPeers();
  // What must be reached is the project's own business.
  const judged = isCheckout ? thresholds.filter(({ issue }) => issue <= upto) : [];
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
  return { report: { machine, quick, suites: results }, short };
}

/** The same again: what it takes to repeat the run. */
function commandOf({ suites, quick }) {
  return [COMMAND, ...(suites === SUITES ? [] : suites), ...(quick ? ['--quick'] : [])].join(' ');
}

async function main(options) {
  const { json, check, from, charts } = options;
  const show = (lines) => {
    if (!json) process.stdout.write(`${lines.join('\n')}\n`);
  };
  const { report, short } =
    from === undefined
      ? await measure(options, show)
      : { report: JSON.parse(readFileSync(from, 'utf8')), short: [] };
  report.command ??= commandOf(options);
  if (json) process.stdout.write(`${JSON.stringify(report, undefined, 2)}\n`);
  let drawn = [];
  if (charts !== undefined) {
    drawn = await (await import('./charts.mjs')).writeCharts(report, charts);
    show(['', `  ${drawn.length} charts: ${charts}`]);
  }
  if (options.markdown !== undefined) {
    writeFileSync(options.markdown, markdown(report, { drawn, file: options.markdown }));
    show(['', `  tables: ${options.markdown}`]);
  }
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
