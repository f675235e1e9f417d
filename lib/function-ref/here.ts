import { whileImporting } from '../current';
import { load } from './load';
import { referTo } from './refer';
import { isStandIn, type AnyFunction } from './reference';
import { isClass } from './text';

/**
 * What a copy of this process calls for a target: any function or object will do, exported or not.
 * @throws FunctionReferenceError if it is neither
 */
export function callableHere(target: unknown): AnyFunction {
  if (typeof target === 'function') {
    const fn = target as AnyFunction;
    if (!isStandIn(fn) && !isClass(fn)) return fn;
  }
  const runnable = target as { run?: unknown } | null | undefined;
  if (typeof target === 'object' && typeof runnable?.run === 'function') {
    return (...args: unknown[]) => (runnable as { run: AnyFunction }).run(...args);
  }
  const reference = referTo(target);
  return async (...args: unknown[]) => {
    const loaded = await whileImporting(() => load(reference));
    return 'call' in loaded ? loaded.call(...args) : undefined;
  };
}
