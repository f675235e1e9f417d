// The main job: analyse every file below a folder, in three ways. Run it by `npm run demo`; --help tells the options.
import { backend, isMainProcess } from 'forkful';
import { asyncLoop, LIBUV_THREADS, warmPageCache } from './async-loop.mjs';
import { compare } from './compare.mjs';
import { twoCopies } from './copies.mjs';
import { readOptions, USAGE, UsageError } from './options.mjs';
import { plainLoop } from './plain-loop.mjs';
import { poolOfProcesses } from './pool.mjs';
import { showProgress } from './progress.mjs';
import * as report from './report.mjs';
import { walk } from './walk.mjs';

async function main(options) {
  const { root, processes, json } = options;
  const say = (...lines) => {
    if (!json) process.stdout.write(`${lines.join('\n')}\n`);
  };

  say(`Folder: ${report.plainText(root)}`);
  const work = walk(root);
  const { files, folders, links, problems: found } = work;
  say(
    `${report.count(files.length)} files in ${report.count(folders)} folders, ${report.bytes(work.bytes)}, the largest first; ` +
      `symbolic links, not followed: ${report.count(links)}`,
  );
  const warming = await timed('reading', work, (step) => warmPageCache(files, step));
  say(
    `Every file was read once before the clock starts, so that none of the ways waits for the disk: ${report.seconds(warming.ms)}`,
  );

  const names = ['plain loop', `async loop, ${LIBUV_THREADS} threads`, `pool, ${processes} processes`];
  const plain = await timed(names[0], work, (step) => plainLoop(files, step));
  const concurrent = await timed(names[1], work, (step) => asyncLoop(files, step));
  const pool = await timed(names[2], work, (step) => poolOfProcesses(files, step, processes));
  const copies = options.twoCopies ? await measureCopies(files, plain.value.costs, pool.ms) : undefined;

  const comparison = compare(root, files, [plain.value.results, concurrent.value, pool.value]);
  const problems = [...found, ...problemsOf([plain.value.results, concurrent.value, pool.value])];
  const totals = report.totalsOf(plain.value.results);

  const ways = [plain, concurrent, pool].map(({ ms }, i) => ({ name: names[i], ms }));
  say(
    '',
    ...report.reportTimes(
      copies ? [...ways, { name: 'two copies of the loop', ms: copies.ms }] : ways,
      files.length,
    ),
    `  (the pool's time includes the start of its processes; ${describeBackend()})`,
  );
  if (copies) say(`  the pool reaches ${copies.ratio.toFixed(2)} of the speed-up of two independent copies`);
  say('', ...report.reportComparison(root, comparison, names));
  say('', ...report.reportTotals(totals));
  for (const section of [report.reportLargest, report.reportMostComplex]) {
    const lines = section(root, plain.value.results);
    if (lines.length > 0) say('', ...lines);
  }
  say('', ...report.reportProblems(root, problems, options.all));

  if (json) {
    const figures = {
      root,
      processes,
      files: files.length,
      ms: { plain: plain.ms, async: concurrent.ms, pool: pool.ms, copies: copies?.ms },
      speedUp: {
        async: plain.ms / concurrent.ms,
        pool: plain.ms / pool.ms,
        copies: copies && plain.ms / copies.ms,
      },
      poolToCopies: copies?.ratio,
      identical: comparison.identical,
      digests: comparison.digests,
      changed: comparison.changed.length,
      totals,
      problems: report.countProblems(problems),
    };
    process.stdout.write(`${JSON.stringify(figures, undefined, 2)}\n`);
  }
  if (!comparison.identical) process.exitCode = 1;
}

async function timed(label, work, act) {
  const progress = showProgress(label, work);
  const start = performance.now();
  try {
    const value = await act(progress.step);
    return { value, ms: performance.now() - start };
  } finally {
    progress.stop();
  }
}

async function measureCopies(files, costs, poolMs) {
  process.stderr.write('  two copies of the plain loop\n');
  const ms = Math.max(...(await twoCopies(files, costs)));
  return { ms, ratio: ms / poolMs };
}

/** Each file once, whatever the passes that met its problem. */
function problemsOf(passes) {
  const problems = new Map();
  for (const { path, problem } of passes.flat()) {
    if (problem !== undefined && !problems.has(path)) problems.set(path, { path, problem });
  }
  return problems.values();
}

function describeBackend() {
  const { name, startMethod } = backend();
  return `backend "${name}", start method "${startMethod}"`;
}

if (isMainProcess) {
  // `npm run demo | head` is no reason for a stack trace.
  process.stdout.on('error', () => process.exit(0));
  try {
    const options = readOptions(process.argv.slice(2));
    if (options.help) process.stdout.write(USAGE);
    else await main(options);
  } catch (error) {
    if (!(error instanceof UsageError)) throw error;
    process.stderr.write(`${error.message}\n\n${USAGE}`);
    process.exitCode = 2;
  }
}
