import { createRequire } from 'node:module';
import { refs } from 'forkful';

const CANCELLED = 'ERR_FORKFUL_CANCELLED';
const LOST = 'ERR_FORKFUL_WORKER_LOST';
const TIMEOUT = 'ERR_FORKFUL_TIMEOUT';
/** So many times as often as what keeps a worker busy for long. */
const COMMON = 20;

export const tasks = refs(createRequire(import.meta.url).resolve('./chaos-tasks.cjs'));

const range = (length, from = 0) => Array.from({ length }, (_, i) => from + i);

/** What is asked of the pool, by weight. */
export function work(pool, ledger, next) {
  const lost = [LOST];
  const collected = async (iterable) => {
    const all = [];
    for await (const value of iterable) all.push(value);
    return all;
  };
  const jobs = {
    apply: () => {
      const [a, b] = [next(1000), next(1000)];
      const key = next(3) === 0 ? { key: next(5) } : {};
      const run = ledger.run();
      const call = pool.apply(tasks.add, [a, b, run], { ...key, priority: next(3) });
      ledger.expect('apply', call, a + b, lost, [run]);
    },
    applyAsync: () => {
      const [a, b] = [next(1000), next(1000)];
      const submit = (callbacks) => void pool.applyAsync(tasks.add, [a, b, ledger.run()], callbacks).wait();
      ledger.expectCalls('applyAsync', submit, a + b, lost);
    },
    mapAsync: () => {
      const items = range(next(50), next(1000));
      const submit = (callbacks) =>
        void pool.mapAsync(tasks.double, items, { retries: 50, ...callbacks }).wait();
      ledger.expectCalls(
        'mapAsync',
        submit,
        items.map((x) => 2 * x),
        [],
      );
    },
    'apply, later': () => {
      const [x, run] = [next(100), ledger.run()];
      ledger.expect('apply, later', pool.apply(tasks.later, [x, run]), x, lost, [run]);
    },
    'apply, retried': () => {
      const x = next(100);
      ledger.expect('apply, retried', pool.apply(tasks.double, [x], { retries: 50 }), 2 * x, []);
    },
    'apply, dies first': () => {
      const x = next(100);
      if (next(20) === 0)
        ledger.expect('apply, dies first', pool.apply(tasks.diesOnFirstAttempt, [x], { retries: 50 }), x, []);
    },
    error: () => {
      ledger.expect('error', pool.apply(tasks.fails, [next(9)]), undefined, ['RangeError', LOST]);
    },
    map: () => {
      const items = range(next(200), next(1000));
      const call = pool.map(tasks.double, items, { chunksize: 1 + next(20), retries: 50 });
      ledger.expect(
        'map',
        call,
        items.map((x) => 2 * x),
        [],
      );
    },
    'starmap, settled': () => {
      const items = range(next(50), next(1000)).map((x) => [x, x, ledger.run()]);
      const call = pool.starmap(tasks.add, items, { chunksize: 1 + next(9), settled: true }).then((all) =>
        all.every(({ status, value, reason }, i) => {
          const [x, , run] = items[i];
          if (status === 'fulfilled') ledger.hasRun(run);
          return status === 'fulfilled' ? value === 2 * x : reason.code === LOST;
        }),
      );
      ledger.expect('starmap, settled', call, true, []);
    },
    imap: () => {
      const items = range(next(30));
      ledger.expect(
        'imap',
        collected(pool.imap(tasks.double, items, { retries: 50 })),
        items.map((x) => 2 * x),
        [],
      );
    },
    imapUnordered: () => {
      const items = range(next(30));
      const call = collected(pool.imapUnordered(tasks.later, items, { retries: 50 })).then((all) =>
        all.sort((a, b) => a - b),
      );
      ledger.expect('imapUnordered', call, items, []);
    },
    stream: () => {
      const to = next(300);
      ledger.expect('stream', collected(pool.stream(tasks.counts, [to])), range(to), lost);
    },
    'big argument': () => {
      const buffer = Buffer.alloc(next(1 << 20), 1);
      const call = pool.apply(tasks.sumOfBytes, [buffer], { retries: 50 });
      ledger.expect('big argument', call, Math.ceil(buffer.length / 997), []);
    },
    'big result': () => {
      const length = next(1 << 20);
      const call = pool
        .apply(tasks.bytes, [length, 7], { retries: 50 })
        .then((all) => [all.length, all.every((one) => one === 7)]);
      ledger.expect('big result', call, [length, true], []);
    },
    cancelled: () => {
      const result = pool.applyAsync(next(2) === 0 ? tasks.hangs : tasks.hangsUnlessStopped, [], {
        killAfter: next(20),
      });
      ledger.expect('cancelled', Promise.resolve(result), undefined, [CANCELLED, LOST]);
      setTimeout(() => result.cancel(), next(50));
    },
    'timed out': () => {
      ledger.expect(
        'timed out',
        pool.apply(tasks.hangs, [], { taskTimeout: 1 + next(30), killAfter: next(20) }),
        null,
        [TIMEOUT, LOST],
      );
    },
    aborted: () => {
      const signal = AbortSignal.timeout(next(40));
      ledger.expect('aborted', pool.apply(tasks.hangsUnlessStopped, [], { signal }), null, [
        'TimeoutError',
        23,
        LOST,
      ]);
    },
    'busy, once': () => {
      const [ms, run] = [next(30), ledger.run()];
      ledger.expect('busy, once', pool.apply(tasks.spins, [ms, run]), ms, lost, [run]);
    },
    busy: () => {
      const ms = next(10);
      ledger.expect('busy', pool.apply(tasks.spins, [ms], { retries: 50 }), ms, []);
    },
  };
  const rare = ['cancelled', 'timed out', 'aborted', 'apply, dies first'];
  const names = Object.keys(jobs).flatMap((name) =>
    rare.includes(name) ? [name] : Array(COMMON).fill(name),
  );
  return () => jobs[names[next(names.length)]]();
}
