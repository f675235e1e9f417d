import { interleave, median, ratio } from './measure.mjs';

/** It cannot be measured here, which is nobody's failure. */
export class Unavailable extends Error {}

function best(rows, better) {
  const sorted = rows.filter((row) => row.value !== undefined).sort((a, b) => a.value - b.value);
  return better === 'more' ? sorted.at(-1) : sorted[0];
}

/** The row that a threshold or a ratio is taken over. */
export function rowNamed(comparison, name) {
  const peers = comparison.rows.filter((row) => row.kind === 'peer');
  switch (name) {
    case 'limit':
      return comparison.rows.find((row) => row.kind === 'limit');
    case 'best peer':
      return best(peers, comparison.better);
    case 'best process peer':
      return best(
        peers.filter((row) => !row.threads),
        comparison.better,
      );
    default:
      return comparison.rows.find((row) => row.who === name);
  }
}

export function ratioOver(row, other) {
  if (row?.value === undefined || other?.value === undefined) return undefined;
  return ratio(row.values, other.values);
}

/**
 * Measures in turn what is compared in one table: { figure, unit, better: 'more' | 'less', candidates }. A candidate
 * has a `who`, a `kind` and a `measure` function; of the limits the first is the one that ratios refer to.
 * - ours: this library
 * - peer: what people use instead; `threads` if its workers are no processes
 * - limit: what this machine can do at most
 */
export async function compare({ candidates, ...description }, timing) {
  const measured = await interleave(candidates, timing);
  const rows = measured.map(({ who, kind, threads = false, values, failure }) => ({
    who,
    kind,
    threads,
    values,
    value: values.length > 0 ? median(values) : undefined,
    least: values.length > 0 ? Math.min(...values) : undefined,
    most: values.length > 0 ? Math.max(...values) : undefined,
    failure: failure?.message,
    absent: failure instanceof Unavailable,
  }));
  const comparison = { ...description, rows };
  const limit = rowNamed(comparison, 'limit');
  const peer = rowNamed(comparison, 'best peer');
  for (const row of rows) {
    row.toLimit = row === limit ? undefined : ratioOver(row, limit);
    row.toBestPeer = row.kind === 'limit' ? undefined : ratioOver(row, peer);
  }
  return { ...comparison, limit: limit?.who, bestPeer: peer?.who };
}
