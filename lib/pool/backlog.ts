import { Fifo } from '../fifo';
import type { Task } from './task';

/** Tasks that no slot has, in the order in which they are to go out. */
export class Backlog {
  readonly #tasks = new Fifo<Task>();

  get isEmpty(): boolean {
    return this.#tasks.length === 0;
  }

  peek(): Task | undefined {
    return this.#tasks.peek();
  }

  shift(): Task | undefined {
    return this.#tasks.shift();
  }

  push(task: Task): void {
    this.#tasks.push(task);
  }

  /** Back in front of what waits. */
  putBack(tasks: readonly Task[]): void {
    this.#tasks.unshift(tasks);
  }

  /** All there is; then it is empty. */
  takeAll(): Task[] {
    return this.#tasks.remove(() => true);
  }
}
