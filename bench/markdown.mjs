import { dirname, relative } from 'node:path';
import { number } from './report.mjs';

/** A report as Markdown: what ran where, and for each suite its charts and its tables. */

const cell = (text) => String(text).replaceAll('|', '\\|');
const row = (cells) => `| ${cells.map(cell).join(' | ')} |`;

function table(heads, rows) {
  return [row(heads), row(heads.map((_, i) => (i === 0 ? '---' : '---:'))), ...rows.map(row)];
}

function comparisonTable({ figure, unit, better, note, rows }) {
  const cells = rows.map((candidate) => {
    const name = { ours: `**forkful ${candidate.who}**`, limit: `_limit: ${candidate.who}_` };
    const who = name[candidate.kind] ?? candidate.who;
    if (candidate.value === undefined) return [who, candidate.failure, '', '', ''];
    return [
      who,
      number(candidate.value),
      `${number(candidate.least)} – ${number(candidate.most)}`,
      number(candidate.toLimit),
      number(candidate.toBestPeer),
    ];
  });
  return [
    `**${figure}** (${unit}, ${better} is better${note === undefined ? '' : `; ${note}`})`,
    '',
    ...table(['', 'median', 'spread', '÷ limit', '÷ best of the others'], cells),
    '',
  ];
}

function latencyTable({ figure, unit, rows }) {
  const columns = ['p50', 'p90', 'p99', 'p999', 'max'];
  return [
    `**${figure}** (${unit}, less is better)`,
    '',
    ...table(
      ['', ...columns],
      rows.map((way) =>
        way.failure === undefined
          ? [way.who, ...columns.map((column) => number(way[column]))]
          : [way.who, way.failure, '', '', '', ''],
      ),
    ),
    '',
  ];
}

/** @param options.drawn what writeCharts gave; options.file where the text will be, to which links are relative */
export function markdown({ machine, command, quick, suites }, { drawn, file }) {
  const picture = ({ title, file: chart }) => [`![${title}](${relative(dirname(file), chart)})`, ''];
  const lines = [
    '# Benchmark results',
    '',
    `Made by \`${command}\` on ${machine.date.slice(0, 10)}: ${machine.cpu}, ${machine.cpus} CPUs, ` +
      `${machine.memoryGB} GB, Linux ${machine.kernel}, Node ${machine.node}.` +
      (quick ? ' A quick run: one round to three, which is a smoke check rather than a measurement.' : ''),
    '',
    'Each value was measured in a process of its own. The candidates of a table ran in turn; a figure is the median of its',
    'rounds, a ratio the median of the ratios within each round. A limit is a program without this library, mostly in C++.',
    '',
  ];
  for (const [name, { comparisons, table: data }] of Object.entries(suites)) {
    lines.push(`## ${name}`, '');
    for (const chart of drawn.filter(({ suite }) => suite === name)) lines.push(...picture(chart));
    const latencies = (data ?? []).filter?.(({ rows }) => rows?.some(({ bins }) => bins !== undefined)) ?? [];
    const tables = [...comparisons.map(comparisonTable), ...latencies.map(latencyTable)];
    if (tables.length > 0) {
      lines.push('<details><summary>Tables</summary>', '', ...tables.flat(), '</details>', '');
    }
  }
  return `${lines.join('\n').trimEnd()}\n`;
}
