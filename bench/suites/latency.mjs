import { number, table } from '../report.mjs';
import { runCase } from '../run.mjs';

const WAYS = [
  ['forkful sync', 'ours', 'forkful-queue', 'sync'],
  ['forkful await each', 'ours', 'forkful-queue', 'awaiting'],
  ['child_process advanced', 'peer', 'child-process', 'advanced'],
  ['worker_threads', 'peer', 'worker-threads', 'postMessage'],
  ['unix socket, own framing', 'peer', 'unix-socket', 'ownFraming'],
];
const PLACES = [
  ['same core', 'same'],
  ['cross core, asleep', 'cross'],
  ['cross core, spinning', 'spinning'],
];
const COLUMNS = ['p50', 'p90', 'p99', 'p999', 'max'];

/** Round trips of 64 B one by one: not how long they take together, but how the single ones are spread. */
export async function run({ quick, milliseconds }) {
  const lines = [];
  const data = [];
  for (const [place, placement] of PLACES) {
    const rows = [];
    for (const [who, kind, module, peer] of WAYS) {
      const parameters = { kind: 'small', milliseconds: quick ? 4 * milliseconds : 10 * milliseconds };
      try {
        const request = {
          module: `./messages/${module}.mjs`,
          peer,
          name: 'latencies',
          parameters,
          placement,
        };
        rows.push({ who, kind, ...(await runCase(request)) });
      } catch (error) {
        rows.push({ who, kind, failure: error.message });
      }
    }
    const figure = `round trips of 64 B, ${place}`;
    data.push({ figure, unit: 'µs', rows });
    const cells = rows.map((row) =>
      row.failure === undefined
        ? [row.who, ...COLUMNS.map((column) => number(row[column])), String(row.count)]
        : [row.who, ...COLUMNS.map(() => '-'), row.failure],
    );
    lines.push('', `${figure} (µs)`, ...table([['', ...COLUMNS, 'trips'], ...cells]));
  }
  return { lines, data, verdicts: [] };
}
