import { Pool, Process, Queue, SharedArray, backend, isMainProcess, type PoolStats } from 'forkful';
import { Ring, Mapping } from 'forkful/shm';

export const answer = (queue: Queue<number>, by: number): Promise<void> => queue.put(by);

if (isMainProcess) {
  const queue = new Queue<number>();
  const child = new Process({ target: answer, args: [queue, 42] });
  await child.start();
  const answered: number = await queue.get();
  await child.join();
  const shared: Float64Array = new SharedArray('float64', 3);
  const stats: PoolStats = new Pool(1).stats();
  const doors: readonly (typeof Ring | typeof Mapping)[] = [Ring, Mapping];
  if (shared.length + stats.processes + doors.length !== 6) throw new Error('not what the types say');
  console.log(backend().name, answered);
}
