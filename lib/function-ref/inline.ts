import { constants, Script } from 'node:vm';
import { FunctionReferenceError } from '../errors';
import { references, type AnyFunction } from './reference';
import { isClass, textOf } from './text';

/**
 * Sends a function as its source text. In the child it is strict code that sees its arguments, globals and
 * `import()` (from the working directory), nothing else. Here it can still be called.
 * @throws FunctionReferenceError if the text cannot stand alone: native, bound, an accessor, private names
 */
export function inline<F extends AnyFunction>(fn: F): F {
  if (typeof fn !== 'function') {
    throw new FunctionReferenceError(`inline() expects a function, got ${typeof fn}`);
  }
  const text = textOf(fn);
  const source = [text, methodOf(text)].find(parses);
  if (source === undefined || isClass(fn)) {
    throw new FunctionReferenceError(
      `inline() needs a function whose source can stand alone; "${fn.name}" is a class, native, bound, an ` +
        'accessor or uses private names: write a function or an arrow around it',
    );
  }
  const local = function (this: unknown, ...args: unknown[]) {
    return fn.apply(this, args);
  };
  references.set(local, { kind: 'inline', source });
  return local as F;
}

/** The function that a text of {@link inline} stands for. */
export function evaluate(source: string): unknown {
  // Since Node 20.12; without it import() is not to be had in there.
  const loader = (constants as typeof constants | undefined)?.USE_MAIN_CONTEXT_DEFAULT_LOADER;
  const script = new Script(wrap(source), {
    filename: 'forkful-inline',
    ...(loader === undefined ? {} : { importModuleDynamically: loader }),
  });
  return script.runInThisContext();
}

export function parses(source: string): boolean {
  try {
    new Script(wrap(source));
    return true;
  } catch {
    return false;
  }
}

/** `__name` is what esbuild (tsx) calls in the middle of functions that it compiled. */
function wrap(source: string): string {
  return `'use strict'; ((__name) => (${source}\n))((fn) => fn)`;
}

/** `run() {}` is no expression, but the only property of one. */
function methodOf(text: string): string {
  return /^(get|set)\s+[^(\s]/.test(text)
    ? ''
    : `((object) => object[Reflect.ownKeys(object)[0]])({ ${text} })`;
}
