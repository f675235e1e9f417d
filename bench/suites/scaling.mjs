import { ours } from './candidates.mjs';

const COUNTS = [1, 2, 4, 8, 16];
const BACKLOGS = [1_000, 10_000, 100_000, 1_000_000];
/** A smoke check does without what takes longest. */
const FEW = COUNTS.filter((count) => count !== 8);
const FEWER_BACKLOGS = BACKLOGS.slice(0, 3);

const plural = (count, what) => `${count.toLocaleString('en')} ${what}${count === 1 ? '' : 's'}`;

/** What more of something brings, also more of it than there are CPUs. */
export function comparisons({ quick, milliseconds }) {
  const counts = quick ? FEW : COUNTS;
  const messages = (who, parameters) =>
    ours(who, {
      module: './messages/forkful-queue.mjs',
      peer: 'scaled',
      name: 'throughput',
      parameters: { kind: 'small', milliseconds, ...parameters },
    });
  const tasks = (who, parameters) =>
    ours(who, { module: './pools/forkful.mjs', peer: 'applyAsync', name: 'atOnce', parameters });
  const by = (what, at, unit, candidates) => ({
    figure: plural(at, what.replace(/s$/, '')),
    along: { what, at, name: at.toLocaleString('en') },
    unit,
    better: 'more',
    candidates,
  });
  return [
    ...counts.map((producers) =>
      by('producers', producers, 'msg/s', [messages('one queue, one consumer', { producers })]),
    ),
    ...counts.map((consumers) =>
      by('consumers', consumers, 'msg/s', [messages('one queue, one producer', { consumers })]),
    ),
    ...counts.map((queues) =>
      by('queues', queues, 'msg/s', [messages('a producer and a consumer each', { queues })]),
    ),
    ...counts.map((workers) =>
      by('workers', workers, 'tasks/s', [
        tasks('tasks that add 1', { task: 'increment', count: quick ? 20_000 : 100_000, workers }),
        tasks('tasks that wait for 1 ms', { task: 'block', count: 500 * workers, workers }),
      ]),
    ),
    ...(quick ? FEWER_BACKLOGS : BACKLOGS).map((count) =>
      by('pending tasks', count, 'tasks/s', [
        tasks('two workers, tasks that add 1', { task: 'increment', count }),
      ]),
    ),
  ];
}
