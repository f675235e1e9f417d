export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}

/** Runs the candidates in turn (A B A B …), after one warm-up round; the values of each. */
export async function interleave(runs, candidates) {
  const values = Object.fromEntries(Object.keys(candidates).map((name) => [name, []]));
  for (let run = -1; run < runs; run++) {
    for (const [name, measure] of Object.entries(candidates)) {
      const value = await measure();
      if (run >= 0) values[name].push(value);
    }
  }
  return values;
}

export function figure(values, unit) {
  const spread = values.map((value) =>
    value >= 1000 ? Math.round(value).toLocaleString('en') : value.toFixed(2),
  );
  return { value: median(values), unit, spread: `[${spread.join(' ')}]` };
}

export function ratio(a, b) {
  return figure(
    a.map((value, i) => value / b[i]),
    '×',
  );
}
