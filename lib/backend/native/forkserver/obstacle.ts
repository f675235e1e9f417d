/** Arguments of Node's that end in a file that is written by the regular exit, or that a fork cannot copy. */
const FLAGS = /^--(cpu-prof|heap-prof|prof|perf-|trace-event|build-snapshot)/;

/** What forbids forked children in this program, as far as that can be known before one is tried: an argument of Node's. */
export const flagObstacle: string | undefined = find();

function find(): string | undefined {
  const flag = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)].find((one) =>
    FLAGS.test(one),
  );
  if (flag !== undefined) return `Node was started with ${flag}, which forked children would not honour`;
  return undefined;
}
