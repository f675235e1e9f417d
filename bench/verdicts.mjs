import { ratioOver, rowNamed } from './comparison.mjs';

/** What a threshold asks for, in words. */
export function nameOf({ who, figure, over }) {
  return `${who}: ${figure}${over === undefined ? '' : ` ÷ ${over}`}`;
}

/**
 * Judges one threshold by what was measured.
 * @returns { name, issue, wanted, value, state: 'reached' | 'short' | 'not measured', why }
 */
export function judge(threshold, comparisons) {
  const { who, figure, over, atLeast, atMost, issue } = threshold;
  const wanted =
    atLeast !== undefined ? `≥ ${atLeast.toLocaleString('en')}` : `≤ ${atMost.toLocaleString('en')}`;
  const verdict = { name: nameOf(threshold), issue, wanted };
  const unmeasured = (why) => ({ ...verdict, state: 'not measured', why });

  const comparison = comparisons.find((each) => each.figure === figure);
  const row = comparison && rowNamed(comparison, who);
  if (row === undefined) return unmeasured('there is no such measurement yet');
  if (row.value === undefined) {
    return row.absent ? unmeasured(row.failure) : { ...verdict, state: 'short', why: row.failure };
  }
  const other = over === undefined ? undefined : rowNamed(comparison, over);
  if (over !== undefined && other?.value === undefined) {
    return unmeasured(
      other === undefined ? `there is no "${over}" to compare with yet` : `${over}: ${other.failure}`,
    );
  }
  const value = over === undefined ? row.value : ratioOver(row, other);
  const reached = atLeast !== undefined ? value >= atLeast : value <= atMost;
  return { ...verdict, value, state: reached ? 'reached' : 'short', why: undefined };
}
