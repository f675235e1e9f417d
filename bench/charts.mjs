/**
 * Charts of a report, drawn by Vega, which makes SVG without a browser and without native code. Values are dots with the
 * spread of their rounds, on a logarithmic axis: bars would need a zero, which ratios of a thousand do not leave room for.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BINS } from './measure.mjs';

const COLOURS = { ours: '#d1495b', peer: '#30638e', limit: '#8d99ae' };
const KINDS = { ours: 'forkful', peer: 'others', limit: 'what this machine can do at most' };
const CONFIG = {
  background: 'white',
  font: 'Helvetica, Arial, sans-serif',
  axis: { labelFontSize: 11, titleFontSize: 11, titleFontWeight: 'normal', labelLimit: 400 },
  legend: { labelFontSize: 11, titleFontSize: 11, labelLimit: 400 },
  title: { fontSize: 13, subtitleFontSize: 11, anchor: 'start', offset: 12 },
  view: { stroke: null },
};
const KIND_SCALE = { domain: Object.values(KINDS), range: Object.values(COLOURS) };

const nameOf = ({ who, kind }) => (kind === 'ours' && !who.startsWith('forkful') ? `forkful ${who}` : who);
const measured = (rows) => rows.filter(({ value }) => value !== undefined);

/** One dot for each candidate, the best above. */
function dots({ figure, unit, better, rows }) {
  const values = measured(rows).map((row) => ({
    who: nameOf(row),
    kind: KINDS[row.kind],
    value: row.value,
    least: row.least,
    most: row.most,
  }));
  const y = {
    field: 'who',
    type: 'nominal',
    title: null,
    sort: { field: 'value', op: 'max', order: better === 'more' ? 'descending' : 'ascending' },
    axis: { grid: true, gridColor: '#eee', ticks: false, domain: false, labelLimit: 400 },
  };
  const x = {
    field: 'value',
    type: 'quantitative',
    scale: { type: 'log', nice: true },
    axis: { gridColor: '#eee', format: '~s' },
    title: `${unit} (logarithmic)`,
  };
  const color = {
    field: 'kind',
    type: 'nominal',
    title: null,
    scale: KIND_SCALE,
    legend: { orient: 'bottom' },
  };
  return {
    title: { text: figure, subtitle: `${unit}, ${better} is better; the line is the spread of the rounds` },
    width: 520,
    height: { step: 20 },
    data: { values },
    layer: [
      {
        mark: { type: 'rule', strokeWidth: 2, opacity: 0.5 },
        encoding: { y, x: { ...x, field: 'least' }, x2: { field: 'most' }, color },
      },
      { mark: { type: 'point', filled: true, size: 70, opacity: 1 }, encoding: { y, x, color } },
    ],
  };
}

/** In each kind one after the other; lines of ours are whole, others dashed. */
const SHADES = {
  ours: ['#d1495b', '#edae49', '#7b2d3a', '#f08a7d'],
  peer: ['#30638e', '#00798c', '#6a8caf', '#003d5b', '#7fb7be'],
  limit: ['#8d99ae', '#b8bfcc'],
};

/** Comparisons that differ in one number: a line for each candidate. */
function lines(name, comparisons) {
  const [{ along, unit, better }] = comparisons;
  const values = comparisons.flatMap(({ along: { at }, rows }) =>
    measured(rows).map((row) => ({ who: nameOf(row), kind: row.kind, at, value: row.value })),
  );
  const kinds = new Map(values.map(({ who, kind }) => [who, kind]));
  const names = Object.keys(SHADES).flatMap((kind) =>
    [...kinds.keys()].filter((who) => kinds.get(who) === kind),
  );
  const shades = Object.entries(SHADES).flatMap(([kind, colours]) =>
    names.filter((who) => kinds.get(who) === kind).map((_, i) => colours[i % colours.length]),
  );
  const ticks = comparisons.map((comparison) => comparison.along);
  const label = ticks.map(({ at, name: text = at }) => `datum.value === ${at} ? '${text}' : `).join('');
  return {
    title: { text: name, subtitle: `${unit}, ${better} is better; both axes are logarithmic` },
    width: 520,
    height: 320,
    data: { values },
    mark: { type: 'line', point: true },
    encoding: {
      x: {
        field: 'at',
        type: 'quantitative',
        scale: { type: 'log', base: 2, nice: false },
        axis: { values: ticks.map(({ at }) => at), labelExpr: `${label}''`, grid: true, gridColor: '#eee' },
        title: along.what,
      },
      y: {
        field: 'value',
        type: 'quantitative',
        scale: { type: 'log' },
        axis: { format: '~s', grid: true, gridColor: '#eee' },
        title: unit,
      },
      color: {
        field: 'who',
        type: 'nominal',
        title: null,
        scale: { domain: names, range: shades },
        legend: { orient: 'bottom', columns: 2 },
      },
      strokeDash: {
        field: 'kind',
        type: 'nominal',
        legend: null,
        scale: {
          domain: Object.keys(SHADES),
          range: [
            [1, 0],
            [6, 3],
            [2, 3],
          ],
        },
      },
    },
  };
}

/** How single times are spread: the share of each bin. The rarest are so far off that they would take most of the room. */
function histogram({ figure, unit, rows }) {
  const end = Math.max(...rows.map(({ p999 = 0 }) => p999));
  const begin = Math.min(
    ...rows.flatMap(({ bins = {} }) => Object.keys(bins).map((bin) => 10 ** (bin / BINS))),
  );
  const values = rows
    .filter(({ bins }) => bins !== undefined)
    .flatMap((row) =>
      binsUpTo(row.bins, end).map(([bin, count]) => ({
        who: row.who,
        from: 10 ** (Number(bin) / BINS),
        to: 10 ** ((Number(bin) + 1) / BINS),
        share: count / row.count,
      })),
    );
  return {
    title: {
      text: figure,
      subtitle: `share of the trips, by what one took (${unit}, logarithmic; less is better), up to the 99.9th percentile`,
    },
    data: { values },
    facet: {
      row: {
        field: 'who',
        type: 'nominal',
        title: null,
        sort: rows.map(({ who }) => who),
        header: { labelOrient: 'top', labelAnchor: 'start', labelFontSize: 11, labelPadding: 2 },
      },
    },
    spec: {
      width: 440,
      height: 48,
      mark: { type: 'bar', color: COLOURS.peer },
      encoding: {
        x: {
          field: 'from',
          type: 'quantitative',
          scale: { type: 'log', nice: false, domain: [begin, end * 10 ** (1 / BINS)] },
          axis: { grid: false },
          title: unit,
        },
        x2: { field: 'to' },
        y: { field: 'share', type: 'quantitative', title: null, axis: { format: '%', tickCount: 2 } },
        y2: { datum: 0 },
        color: {
          condition: { test: "indexof(datum.who, 'forkful') === 0", value: COLOURS.ours },
          value: COLOURS.peer,
        },
      },
    },
  };
}

const binsUpTo = (bins, end) => Object.entries(bins).filter(([bin]) => 10 ** (Number(bin) / BINS) <= end);

const fileName = (text) =>
  text
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-|-$/g, '');

/** What can be drawn of a suite: { title, spec }. */
function chartsOf(suite, { comparisons, table }) {
  const along = Map.groupBy?.(comparisons, ({ along: axis }) => axis?.what) ?? groupByAxis(comparisons);
  const singles = (along.get(undefined) ?? []).filter(({ rows }) => measured(rows).length > 1);
  const series = [...along].filter(([what, group]) => what !== undefined && group.length > 1);
  return [
    ...singles.map((comparison) => ({ title: `${suite}: ${comparison.figure}`, spec: dots(comparison) })),
    ...series.map(([what, group]) => ({
      title: `${suite}: by ${what}`,
      spec: lines(`Throughput by ${what}`, group),
    })),
    ...(table ?? [])
      .filter(({ rows }) => rows?.some(({ bins }) => bins !== undefined))
      .map((entry) => ({ title: `${suite}: ${entry.figure}`, spec: histogram(entry) })),
  ];
}

/** As Map.groupBy, which Node 20 has not. */
function groupByAxis(comparisons) {
  const groups = new Map();
  for (const comparison of comparisons) {
    const key = comparison.along?.what;
    groups.set(key, [...(groups.get(key) ?? []), comparison]);
  }
  return groups;
}

async function svgOf(spec, { vega, vegaLite }) {
  const schema = 'https://vega.github.io/schema/vega-lite/v6.json';
  const { spec: compiled } = vegaLite.compile({ $schema: schema, ...spec, config: CONFIG });
  const view = new vega.View(vega.parse(compiled), { renderer: 'none' });
  try {
    return await view.toSVG();
  } finally {
    view.finalize();
  }
}

/** Vega's own guess without a canvas, 0.8 em for each letter, leaves half of a chart to its labels. */
const textWidth = ({ fontSize = 11 }, text) => 0.56 * fontSize * String(text ?? '').length;

async function drawingLibraries() {
  try {
    return { vega: await import('vega'), vegaLite: await import('vega-lite') };
  } catch (error) {
    if (error.code !== 'ERR_MODULE_NOT_FOUND') throw error;
    throw new Error(
      'charts are drawn by vega and vega-lite, which are not installed: npm install vega vega-lite',
      {
        cause: error,
      },
    );
  }
}

/** Writes what can be drawn of a report into a folder. Returns { suite, title, file } of each chart. */
export async function writeCharts(report, folder) {
  const libraries = await drawingLibraries();
  libraries.vega.textMetrics.width = textWidth;
  mkdirSync(folder, { recursive: true });
  const drawn = [];
  for (const [suite, result] of Object.entries(report.suites)) {
    for (const { title, spec } of chartsOf(suite, result)) {
      const file = join(folder, `${fileName(title)}.svg`);
      writeFileSync(file, `${await svgOf(spec, libraries)}\n`);
      drawn.push({ suite, title, file });
    }
  }
  return drawn;
}
