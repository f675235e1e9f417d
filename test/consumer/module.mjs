import { Pool, Process, Queue, backend, isMainProcess } from 'forkful';
import { Ring } from 'forkful/shm';
import tasks from './tasks.cjs';

export const answer = (queue) => queue.put(42);

if (isMainProcess) {
  const queue = new Queue();
  const child = new Process({ target: answer, args: [queue] });
  await child.start();
  const answered = await queue.get();
  await child.join();
  const pool = new Pool(2);
  const squares = await pool.map(tasks.square, [1, 2, 3]);
  await pool.close();
  console.log(backend().name, answered, squares.join(), typeof Ring === 'function');
}
