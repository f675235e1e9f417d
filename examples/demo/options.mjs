import { realpathSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { cpuCount } from 'forkful';

const CHECKOUT = dirname(dirname(dirname(fileURLToPath(import.meta.url))));

export const USAGE = `Usage: npm run demo -- [DIR] [options]

Analyses every file below DIR (default: this checkout with its node_modules): SHA-256, gzip size, lines and words; of
JavaScript also functions, syntax nodes and cyclomatic complexity. Does so in three ways and compares them: a plain
loop, an async loop on libuv's threads, and a pool of processes.

  -p, --processes N   workers of the pool (default: as many as this program may use CPUs, here ${cpuCount()})
  --all               list every file with a problem, not just the first few of each kind
  --two-copies        also measure what two independent copies of the plain loop reach, each over half of the files
  --json              print the figures as JSON instead of the report
  -h, --help          show this
`;

/** What is wrong with the command line. */
export class UsageError extends Error {}

/** @throws UsageError */
export function readOptions(argv) {
  const { values, positionals } = parse(argv);
  if (values.help) return { help: true };
  if (positionals.length > 1) {
    throw new UsageError(`expected one folder at most, got ${positionals.length}: ${positionals.join(', ')}`);
  }
  return {
    root: folder(positionals[0] ?? CHECKOUT),
    processes: values.processes === undefined ? cpuCount() : wholeNumber('--processes', values.processes),
    all: values.all,
    twoCopies: values['two-copies'],
    json: values.json,
  };
}

function parse(args) {
  try {
    return parseArgs({
      args,
      allowPositionals: true,
      options: {
        processes: { type: 'string', short: 'p' },
        all: { type: 'boolean', default: false },
        'two-copies': { type: 'boolean', default: false },
        json: { type: 'boolean', default: false },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
  } catch (error) {
    throw new UsageError(error.message);
  }
}

function wholeNumber(name, text) {
  const number = Number(text);
  if (/^\d+$/.test(text) && number >= 1 && number <= 1024) return number;
  throw new UsageError(`${name} expects a whole number from 1 to 1024, got "${text}"`);
}

function folder(path) {
  let isFolder;
  try {
    isFolder = statSync(path).isDirectory();
  } catch (error) {
    throw new UsageError(`cannot look at the folder "${path}": ${error.code ?? error.message}`);
  }
  if (!isFolder) throw new UsageError(`expected a folder, got "${path}", which is something else`);
  return realpathSync(path);
}
