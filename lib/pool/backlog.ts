import { Fifo } from '../fifo';
import type { Task } from './task';

interface Level {
  readonly priority: number;
  readonly tasks: Fifo<Task>;
}

/** Tasks that no slot has, in the order in which they are to go out: by priority, then by age. */
export class Backlog {
  /** The highest first. Nearly always there is one. */
  readonly #levels: Level[] = [{ priority: 0, tasks: new Fifo() }];

  get isEmpty(): boolean {
    return this.#levels.every(({ tasks }) => tasks.length === 0);
  }

  peek(): Task | undefined {
    return this.#first()?.peek();
  }

  shift(): Task | undefined {
    return this.#first()?.shift();
  }

  push(task: Task): void {
    this.#at(task.terms.priority).push(task);
  }

  /** Back in front of what waits with the same priority. */
  putBack(tasks: readonly Task[]): void {
    const [first] = tasks;
    if (first === undefined) return;
    const { priority } = first.terms;
    const same = tasks.filter((task) => task.terms.priority === priority);
    this.#at(priority).unshift(same);
    if (same.length < tasks.length) this.putBack(tasks.filter((task) => task.terms.priority !== priority));
  }

  /** All there is; then it is empty. */
  takeAll(): Task[] {
    return this.#levels.flatMap(({ tasks }) => tasks.remove(() => true));
  }

  #first(): Fifo<Task> | undefined {
    for (const { tasks } of this.#levels) if (tasks.length > 0) return tasks;
    return undefined;
  }

  #at(priority: number): Fifo<Task> {
    const [only] = this.#levels;
    if (only?.priority === priority) return only.tasks;
    let level = this.#levels.find((each) => each.priority === priority);
    if (level === undefined) {
      level = { priority, tasks: new Fifo() };
      this.#levels.push(level);
      this.#levels.sort((a, b) => b.priority - a.priority);
    }
    return level.tasks;
  }
}
