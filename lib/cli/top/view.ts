import type { WorkerStats } from '../../pool/stats';
import type { TimeStats } from '../../pool/task-times';
import type { Seen, SeenPool } from './survey';

/** All that is seen, as lines. */
export function view(seen: readonly Seen[]): string[] {
  const pools = seen.flatMap((one) => one.pools);
  const workers = pools.flatMap((pool) => pool.workers);
  const busy = workers.filter(({ state }) => state === 'busy').length;
  const title =
    `forkful top ${new Date().toTimeString().slice(0, 8)}   ${count(pools.length, 'pool')} in ` +
    `${count(seen.length, 'process', 'processes')}, ${busy} of ${count(workers.length, 'worker')} busy`;
  if (seen.length === 0) return [title, '', 'no program of this user has a pool'];
  return [title, ...seen.flatMap((one) => ['', ...programLines(one)])];
}

function programLines({ pid, thread, program, uptime, memory, silence, pools }: Seen): string[] {
  if (silence !== undefined) return [`${pid} ${silence}`];
  const where = thread === 0 ? '' : ` (thread ${thread})`;
  const head = `${pid}${where} ${printable(program)}   up ${duration(uptime)}, ${bytes(memory)}`;
  return [head, ...pools.flatMap(poolLines)];
}

function poolLines(pool: SeenPool): string[] {
  const { id, processes, workers, pending, running, succeeded, failed, restarts, tasksPerSecond } = pool;
  const head =
    `  pool ${id}: ${workers.length} of ${count(processes, 'worker')}, ${running} running, ${pending} pending, ` +
    `${tasksPerSecond} tasks/s, ${succeeded} succeeded, ${failed} failed, ${restarts} restarts`;
  const times =
    pool.runTime.count === 0
      ? []
      : [`    tasks ${timesOf('ran', pool.runTime)}, ${timesOf('had waited', pool.waitTime)}`];
  if (workers.length === 0) return [head, ...times];
  const rows = [...workers].sort((a, b) => a.id - b.id).map(workerCells);
  return [head, ...times, ...table([['WORKER', 'PID', 'STATE', 'FOR', 'TASKS', 'MEMORY', 'RUNS'], ...rows])];
}

/** In milliseconds. */
function timesOf(what: string, { p50, p99 }: TimeStats): string {
  return `${what} ${p50.toFixed(1)} ms (half), ${p99.toFixed(1)} ms (99%)`;
}

function workerCells({ id, pid, state, running, runningFor, tasks, memory }: WorkerStats): string[] {
  return [
    String(id),
    pid === 0 ? '-' : String(pid),
    state,
    running.length === 0 ? '-' : duration(runningFor),
    String(tasks),
    memory === undefined ? '-' : bytes(memory),
    printable(running.join(', ')),
  ];
}

/** Numbers to the right, texts to the left. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) => {
    const cells = row.map((cell, column) => {
      const width = widths[column] ?? 0;
      return column === 2 || column === 6 ? cell.padEnd(width) : cell.padStart(width);
    });
    return `    ${cells.join('  ')}`.trimEnd();
  });
}

/** What others have named must not move the cursor. */
function printable(text: string): string {
  return text.replace(/\p{Cc}/gu, '?');
}

function count(n: number, one: string, many = `${one}s`): string {
  return `${n} ${n === 1 ? one : many}`;
}

function bytes(n: number): string {
  return `${(n / 1024 ** 2).toFixed(n < 100 * 1024 ** 2 ? 1 : 0)} MiB`;
}

/** Of milliseconds. */
function duration(time: number): string {
  const seconds = time / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${Math.floor(seconds % 60)} s`;
  const hours = Math.floor(minutes / 60);
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
