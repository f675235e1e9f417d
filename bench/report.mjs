/** Aligned text; what --json prints instead is the data as it is. */

export function number(value) {
  if (value === undefined) return '';
  if (value >= 1000) return Math.round(value).toLocaleString('en');
  if (value >= 100) return value.toFixed(0);
  return value >= 10 ? value.toFixed(1) : value.toPrecision(3);
}

/** Rows of cells, the first column to the left and the others to the right. */
export function table(rows, { left = 1 } = {}) {
  const widths = rows[0].map((_, column) => Math.max(...rows.map((row) => row[column].length)));
  return rows.map((row) =>
    `  ${row.map((cell, i) => (i < left ? cell.padEnd(widths[i]) : cell.padStart(widths[i]))).join('  ')}`.trimEnd(),
  );
}

const LABELS = { ours: 'forkful ', peer: '', limit: 'limit: ' };

export function reportComparison({ figure, unit, better, note, rows, limit, bestPeer }) {
  const times = Math.max(...rows.map((row) => row.values.length));
  const heading = `${figure} (${unit}, ${better} is better; ${times === 1 ? 'one round' : `${times} rounds`})`;
  const cells = rows.map((row) =>
    row.value === undefined
      ? [LABELS[row.kind] + row.who, row.failure, '', '', '']
      : [
          LABELS[row.kind] + row.who,
          number(row.value),
          `${number(row.least)} – ${number(row.most)}`,
          number(row.toLimit),
          number(row.toBestPeer),
        ],
  );
  // Why something has no figure may be long: it must not widen the columns.
  const broken = new Map(rows.flatMap((row, i) => (row.value === undefined ? [[i + 1, cells[i][1]]] : [])));
  for (const i of broken.keys()) cells[i - 1][1] = '-';
  const lines = table([['', 'median', 'spread', '÷ limit', '÷ best peer'], ...cells]).map((line, i) =>
    broken.has(i) ? `${line}  ${broken.get(i)}` : line,
  );
  const references = [limit && `limit: ${limit}`, bestPeer && `best peer: ${bestPeer}`, note]
    .filter(Boolean)
    .join('; ');
  return ['', heading, ...lines, ...(references ? [`  ${references}`] : [])];
}

export function reportVerdicts(verdicts) {
  const cells = verdicts.map(({ name, wanted, value, state, why, issue }) => [
    name,
    wanted,
    number(value) || '-',
    state === 'short' ? 'FALLS SHORT' : state,
    why ?? '',
    `issue ${issue}`,
  ]);
  return table([['threshold', 'wanted', 'measured', 'verdict', '', ''], ...cells], { left: 6 });
}
