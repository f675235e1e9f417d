import { referTo } from '../function-ref';
import type { Target } from '../process';
import { TaskFunction } from './task';

/** The functions that a pool has been given. What is named the same is the same function. */
export class Functions {
  readonly #byTarget = new WeakMap<object, TaskFunction>();
  readonly #byName = new Map<string, TaskFunction>();
  #next = 1;

  /**
   * An object with run() travels by value: each call is another.
   * @throws FunctionReferenceError if other processes could not find it
   */
  get(target: Target): TaskFunction {
    const known = typeof target === 'function' ? this.#byTarget.get(target) : undefined;
    if (known !== undefined) return known;
    const reference = referTo(target);
    const key = reference.kind === 'object' ? undefined : JSON.stringify(reference);
    let made = key === undefined ? undefined : this.#byName.get(key);
    made ??= new TaskFunction(this.#next++, reference);
    if (key !== undefined) this.#byName.set(key, made);
    if (typeof target === 'function') this.#byTarget.set(target, made);
    return made;
  }
}
