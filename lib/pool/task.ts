import type { TargetReference } from '../function-ref';
import { encodeDefine } from './protocol';

/** Takes the outcomes of a job's items. Never calls the user's code synchronously. */
export interface Sink {
  settle(index: number, ok: boolean, value: unknown): void;
}

/** A function that the pool's workers run. */
export class TaskFunction {
  readonly id: number;
  readonly name: string;
  /** What tells a worker of it. */
  readonly definition: Buffer;

  constructor(id: number, reference: TargetReference) {
    this.id = id;
    this.name = reference.kind === 'inline' ? 'inline function' : reference.name;
    this.definition = encodeDefine(id, reference);
  }
}

/** A unit that goes to one worker: one item, or the consecutive items of a chunk. */
export interface Task {
  readonly id: number;
  readonly fn: TaskFunction;
  readonly sink: Sink;
  /** The job's index of this task's first item. */
  readonly base: number;
  readonly count: number;
  /** The message; undefined while only the worker's ring has it. */
  data: Buffer | undefined;
  /** Items whose outcome is known; the next one is what a worker runs. */
  done: number;
  /** Nobody wants it any more: it is dropped when it is met before it started. */
  cancelled: boolean;
}
