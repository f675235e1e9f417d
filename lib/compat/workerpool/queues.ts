import type { Task, TaskQueue } from './types';

/** Tasks that wait, in an array; `take` tells which comes first. */
function queue(take: (tasks: Task[]) => Task | undefined): TaskQueue {
  const tasks: Task[] = [];
  return {
    push: (task) => void tasks.push(task),
    pop: () => take(tasks),
    size: () => tasks.length,
    contains: (task) => tasks.includes(task),
    clear: () => {
      tasks.length = 0;
    },
  };
}

const METHODS = ['push', 'pop', 'size', 'contains', 'clear'] as const;

/** @throws Error unless it is a known strategy or has the methods of a queue */
export function queueOf(strategy: unknown): TaskQueue {
  if (strategy === 'fifo') return queue((tasks) => tasks.shift());
  if (strategy === 'lifo') return queue((tasks) => tasks.pop());
  if (typeof strategy === 'string') throw new Error(`Unknown queue strategy: ${strategy}`);
  for (const method of METHODS) {
    if (typeof (strategy as Partial<TaskQueue>)[method] !== 'function')
      throw new Error(`Queue strategy must implement method: ${method}`);
  }
  return strategy as TaskQueue;
}
