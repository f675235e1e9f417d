import { compare } from './comparison.mjs';
import { reportComparison, reportVerdicts } from './report.mjs';
import { judge } from './verdicts.mjs';

/** Milliseconds for all comparisons of a suite, and rounds at most. */
const QUICK = { milliseconds: 30_000, rounds: 3 };
const THOROUGH = { milliseconds: 150_000, rounds: 7 };

/** Measures all comparisons of a suite; what one does not need of its share of the time the later ones have. */
async function measureAll(comparisons, { milliseconds, rounds }, show) {
  const end = performance.now() + milliseconds;
  const results = [];
  for (const [i, comparison] of comparisons.entries()) {
    const share = (end - performance.now()) / (comparisons.length - i);
    const result = await compare(comparison, { rounds, milliseconds: share });
    show(reportComparison(result));
    results.push(result);
  }
  return results;
}

async function runSuite(name, suite, { quick, thresholds, show }) {
  const started = performance.now();
  const settings = { quick, milliseconds: quick ? 50 : 200 };
  const comparisons = suite.comparisons?.(settings) ?? [];
  const results = await measureAll(comparisons, quick ? QUICK : THOROUGH, show);
  const table = await suite.run?.(settings);
  if (table) show(table.lines);
  const verdicts = [
    ...thresholds
      .filter((threshold) => threshold.suite === name)
      .map((threshold) => judge(threshold, results)),
    ...(table?.verdicts ?? []),
  ];
  if (verdicts.length > 0) show(['', ...reportVerdicts(verdicts)]);
  const seconds = (performance.now() - started) / 1000;
  show(['', `  ${name}: ${seconds.toFixed(0)} s`]);
  return { seconds, comparisons: results, table: table?.data, verdicts };
}

/**
 * Runs suites one after the other.
 * @param suites names, and `load` gives their modules: `comparisons(settings)`, or `run(settings)` for what is no
 * comparison of numbers
 * @returns what was measured, by suite, and the verdicts that fall short
 */
export async function runSuites(suites, { load, quick, thresholds, show }) {
  const results = {};
  for (const name of suites) {
    show(['', `=== ${name}`]);
    results[name] = await runSuite(name, await load(name), { quick, thresholds, show });
  }
  const short = Object.values(results)
    .flatMap(({ verdicts }) => verdicts)
    .filter(({ state }) => state === 'short');
  return { results, short };
}
