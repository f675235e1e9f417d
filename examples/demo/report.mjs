import { relative } from 'node:path';
import { WORST } from './javascript.mjs';

const LARGEST = 5;
const EXAMPLES = 5;

const KINDS = {
  unreadable: 'unreadable',
  vanished: 'vanished',
  special: 'special, never opened',
  link: 'links that lead nowhere or in circles',
  unparsable: 'JavaScript that acorn cannot parse',
  'too deep': 'JavaScript nested too deeply',
  lost: 'lost with a worker',
};

/** A count, with separators. */
export function count(n) {
  return n.toLocaleString('en-US');
}

export function bytes(n) {
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let unit = 0;
  for (; n >= 1000 && unit < units.length - 1; unit++) n /= 1000;
  return `${unit === 0 ? n : n.toFixed(n < 10 ? 1 : 0)} ${units[unit]}`;
}

export function seconds(ms) {
  return `${(ms / 1000).toFixed(ms < 10_000 ? 2 : 1)} s`;
}

/** Names may contain anything, and this goes to a terminal: control characters are spelt out. */
export function plainText(text) {
  return text.replace(
    /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g,
    (c) => `\\u${c.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}

function shown(root, path) {
  return plainText(relative(root, path) || '.');
}

/**
 * @param {string[][]} rows
 * @param {string} align 'l' or 'r' for each column
 */
function table(rows, align) {
  const widths = [...align].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows.map((row) => {
    const cells = row.map((cell, i) =>
      align[i] === 'r' ? cell.padStart(widths[i]) : cell.padEnd(widths[i]),
    );
    return `  ${cells.join('   ')}`.trimEnd();
  });
}

/** @param {{ name: string, ms: number }[]} ways the first is what the others are compared with */
export function reportTimes(ways, files) {
  const [base] = ways;
  const rows = ways.map(({ name, ms }) => [
    name,
    seconds(ms),
    count(Math.round((files / ms) * 1000)),
    `${(base.ms / ms).toFixed(2)}x`,
  ]);
  return table([['', 'time', 'files/s', 'speed-up'], ...rows], 'lrrr');
}

/**
 * @param {import('./compare.mjs').Comparison} comparison
 * @param {string[]} names of the passes
 */
export function reportComparison(root, comparison, names) {
  const { identical, compared, digests, changed, tooDeep, lost, different } = comparison;
  const verdict = identical
    ? `All ${names.length} ways gave identical results for ${count(compared)} files.`
    : 'The results are NOT identical.';
  return [
    verdict,
    ...aside(root, different, 'have different results, which must not happen:'),
    ...aside(root, lost, 'lost with a worker:'),
    'SHA-256 of the sorted results:',
    ...table(
      names.map((name, i) => [name, digests[i]]),
      'll',
    ),
    ...aside(root, changed, 'changed while the demo ran, and left out of this comparison:'),
    ...aside(
      root,
      tooDeep,
      'exceeded the stack in one pass but not in another, and left out of this comparison:',
    ),
  ];
}

function aside(root, paths, why) {
  return paths.length === 0
    ? []
    : [`${count(paths.length)} ${paths.length === 1 ? 'file' : 'files'} ${why}`, ...some(root, paths)];
}

function some(root, paths) {
  const lines = paths.slice(0, EXAMPLES).map((path) => `    ${shown(root, path)}`);
  if (paths.length > EXAMPLES) lines.push(`    ... and ${count(paths.length - EXAMPLES)} more`);
  return lines;
}

/** @param {readonly import('./facts.mjs').Result[]} results */
export function totalsOf(results) {
  const totals = {
    files: results.length,
    size: 0,
    gzip: 0,
    lines: 0,
    words: 0,
    javascript: 0,
    functions: 0,
    nodes: 0,
    complexity: 0,
  };
  for (const { size = 0, gzip = 0, lines = 0, words = 0, js } of results) {
    totals.size += size;
    totals.gzip += gzip;
    totals.lines += lines;
    totals.words += words;
    if (js === undefined) continue;
    totals.javascript++;
    totals.functions += js.functions;
    totals.nodes += js.nodes;
    totals.complexity += js.complexity;
  }
  return totals;
}

export function reportTotals(totals) {
  const { files, size, gzip, lines, words, javascript, functions, nodes, complexity } = totals;
  return [
    'Totals',
    `  ${count(files)} files, ${bytes(size)}, gzip ${bytes(gzip)}, ${count(lines)} lines, ${count(words)} words`,
    `  ${count(javascript)} of them JavaScript: ${count(functions)} functions, ${count(nodes)} syntax nodes, ` +
      `cyclomatic complexity ${count(complexity)}`,
  ];
}

export function reportLargest(root, results) {
  const largest = results
    .filter(({ size }) => size !== undefined)
    .sort((a, b) => b.size - a.size || (a.path < b.path ? -1 : 1))
    .slice(0, LARGEST);
  if (largest.length === 0) return [];
  return [
    'Largest files',
    ...table(
      largest.map(({ size, gzip, path }) => [bytes(size), `gzip ${bytes(gzip)}`, shown(root, path)]),
      'rrl',
    ),
  ];
}

export function reportMostComplex(root, results) {
  const functions = results
    .flatMap(({ path, js }) => (js?.worst ?? []).map((fn) => ({ path, ...fn })))
    .sort((a, b) => b.complexity - a.complexity || (a.path < b.path ? -1 : 1))
    .slice(0, WORST);
  if (functions.length === 0) return [];
  return [
    'Most complex functions',
    ...table(
      functions.map(({ complexity, name, path, line }) => [
        count(complexity),
        `${plainText(name)}  ${shown(root, path)}:${line}`,
      ]),
      'rl',
    ),
  ];
}

/**
 * @param {{ path: string, problem: import('./facts.mjs').Problem }[]} problems
 * @param {boolean} all list every one of them
 */
export function reportProblems(root, problems, all) {
  if (problems.length === 0) return ['Every file could be read, and every JavaScript file parsed.'];
  const lines = [`Problems: ${count(problems.length)}, none of them fatal`];
  for (const [kind, title] of Object.entries(KINDS)) {
    const ofKind = problems.filter(({ problem }) => problem.kind === kind);
    if (ofKind.length === 0) continue;
    lines.push(`  ${title}: ${count(ofKind.length)}`);
    const listed = all ? ofKind : ofKind.slice(0, EXAMPLES);
    for (const { path, problem } of listed)
      lines.push(`    ${shown(root, path)}: ${plainText(problem.detail)}`);
    if (listed.length < ofKind.length)
      lines.push(`    ... and ${count(ofKind.length - listed.length)} more (--all lists them)`);
  }
  return lines;
}

/** @returns {Record<string, number>} */
export function countProblems(problems) {
  const counts = {};
  for (const { problem } of problems) counts[problem.kind] = (counts[problem.kind] ?? 0) + 1;
  return counts;
}
