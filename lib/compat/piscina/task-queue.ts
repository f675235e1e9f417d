import assert from 'node:assert';
import { Fifo } from '../../fifo';
import type { queueOptionsSymbol } from './symbols';

export interface Task {
  readonly [queueOptionsSymbol]: object | null;
}

/** What a load balancer sees of a task. */
export interface PiscinaTask extends Task {
  taskId: number;
  filename: string;
  name: string;
  created: number;
  isAbortable: boolean;
}

export interface TaskQueue {
  readonly size: number;
  shift(): Task | null;
  remove(task: Task): void;
  push(task: Task): void;
  unshift?(task: Task): void;
}

export function isTaskQueue(value: unknown): value is TaskQueue {
  const { shift, remove, push } = Object(value) as Partial<TaskQueue>;
  const methods = [shift, remove, push];
  return (
    typeof value === 'object' &&
    value !== null &&
    'size' in value &&
    methods.every((m) => typeof m === 'function')
  );
}

export class ArrayTaskQueue implements TaskQueue {
  tasks: Task[] = [];

  get size(): number {
    return this.tasks.length;
  }

  shift(): Task | null {
    return this.tasks.shift() ?? null;
  }

  push(task: Task): void {
    this.tasks.push(task);
  }

  unshift(task: Task): void {
    this.tasks.unshift(task);
  }

  remove(task: Task): void {
    const index = this.tasks.indexOf(task);
    assert.notStrictEqual(index, -1);
    this.tasks.splice(index, 1);
  }
}

/** First in, first out, of any length: the queue that a pool has unless told otherwise. */
export class FixedQueue implements TaskQueue {
  /** What was put back, the first one last. */
  readonly #front: Task[] = [];
  readonly #tasks = new Fifo<Task>();

  get size(): number {
    return this.#front.length + this.#tasks.length;
  }

  isEmpty(): boolean {
    return this.size === 0;
  }

  shift(): Task | null {
    return this.#front.pop() ?? this.#tasks.shift() ?? null;
  }

  push(task: Task): void {
    this.#tasks.push(task);
  }

  unshift(task: Task): void {
    this.#front.push(task);
  }

  remove(task: Task): void {
    const index = this.#front.indexOf(task);
    if (index >= 0) this.#front.splice(index, 1);
    else this.#tasks.remove((other) => other === task);
  }
}
