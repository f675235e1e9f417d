import cliProgress from 'cli-progress';

const LINE_EVERY_MS = 2000;

/**
 * Shows how far a pass is, by bytes: a bar where stderr is a terminal, else a plain line now and then.
 * @param {string} label
 * @param {{ files: readonly string[], bytes: number }} work
 * @returns {{ step(bytes: number | undefined): void, stop(): void }} step() after each file
 */
export function showProgress(label, { files, bytes }) {
  return process.stderr.isTTY ? bar(label, files.length, bytes) : lines(label, files.length, bytes);
}

function bar(label, files, bytes) {
  const progress = new cliProgress.SingleBar({
    format: `  ${label.padEnd(22)} {bar} {percentage}%  {done} of ${files} files, {duration_formatted}`,
    stream: process.stderr,
    hideCursor: null,
    clearOnComplete: true,
  });
  let done = 0;
  progress.start(bytes, 0, { done });
  return {
    step: (more = 0) => progress.increment(more, { done: ++done }),
    stop: () => progress.stop(),
  };
}

function lines(label, files, bytes) {
  let done = 0;
  let doneBytes = 0;
  let last = performance.now();
  process.stderr.write(`  ${label}: ${files} files\n`);
  return {
    step(more = 0) {
      done++;
      doneBytes += more;
      const now = performance.now();
      if (now - last < LINE_EVERY_MS) return;
      last = now;
      const percentage = Math.min(100, Math.floor((doneBytes / bytes) * 100));
      process.stderr.write(`  ${label}: ${percentage}%, ${done} of ${files} files\n`);
    },
    stop() {},
  };
}
