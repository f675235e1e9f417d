import { createRequire, isBuiltin } from 'node:module';
import { dirname } from 'node:path';
import { pathToFileURL } from 'node:url';
import { inspect } from 'node:util';
import { FunctionReferenceError } from '../errors';
import { spellingOf } from './paths';

/**
 * Where a function or class is: plain data, for the wire.
 * - `module`: a URL is imported; an absolute path is required (a CommonJS module, perhaps by a require hook).
 * - `name`: `f`, `default`, `Class.staticMethod`: a path from the module's exports.
 * - `hash`: of the text, where the parent could not look at the exports and the child has to compare.
 */
export interface Named {
  readonly module: string;
  readonly name: string;
  readonly hash?: string;
}

/** How a child finds what it is to run. */
export type TargetReference =
  | ({ readonly kind: 'function' } & Named)
  | { readonly kind: 'inline'; readonly source: string }
  | ({ readonly kind: 'object'; readonly fields: Readonly<Record<string, unknown>> } & Named);

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the one type that every function fits
export type AnyFunction = (...args: any[]) => unknown;

/** The references of functions: those found, and those that {@link ref} and `inline` made up. */
export const references = new WeakMap<object, TargetReference>();

export const WAYS =
  'what works: a function that its module exports, refs(new URL(…)) or ref(new URL(…), name), inline(fn) if it ' +
  'needs nothing but its arguments, or an object of an exported class with a run() method';

/**
 * Names a function of a module, which is not loaded here. What comes back stands for the function where a
 * target is wanted, and cannot be called.
 * @param module a URL, an absolute path, or a package (`'@acme/tasks'`), looked for from the main module and from
 *   the working directory
 * @param name of the export: `'f'`, `'default'`, or a path such as `'Class.staticMethod'`
 * @throws FunctionReferenceError if the module is a relative path or a package that is not there
 */
export function ref(module: string | URL, name: string): AnyFunction;
export function ref<F extends AnyFunction>(module: string | URL, name: string): F;
export function ref(module: string | URL, name: string): AnyFunction {
  return standIn(named(module, name));
}

/** The functions among a module's exports. */
export type References<M> = {
  readonly [K in keyof M as M[K] extends AnyFunction ? K : never]: M[K];
};

/**
 * Typed references to the functions of a module, which is not loaded here:
 * `refs<typeof import('./work.js')>(new URL('./work.js', import.meta.url))`. See {@link ref}.
 */
export function refs<M>(module: string | URL): References<M> {
  const url = resolve(module);
  const made: Record<string, AnyFunction> = Object.create(null) as Record<string, AnyFunction>;
  return new Proxy(made, {
    get: (_, name) => {
      // `then` would make a promise of it: await refs(…).
      if (typeof name !== 'string' || name === 'then') return undefined;
      return (made[name] ??= ref(url, name));
    },
  }) as References<M>;
}

export function named(module: string | URL, name: string): TargetReference & { kind: 'function' } {
  if (typeof name !== 'string' || !/^[^.]+(\.[^.]+)*$/.test(name)) {
    throw new FunctionReferenceError(
      `expected the name of an export ('f', 'default', 'Class.method'), got ${inspect(name)}`,
    );
  }
  return { kind: 'function', module: resolve(module), name };
}

/** Functions that cannot be called here. */
const standIns = new WeakSet<object>();

/** Whether this comes from {@link ref} or {@link refs}: it must be loaded before it can be called. */
export function isStandIn(fn: object): boolean {
  return standIns.has(fn);
}

function standIn(reference: TargetReference & { kind: 'function' }): AnyFunction {
  const { module, name } = reference;
  const fn = () => {
    throw new FunctionReferenceError(
      `this is a reference to "${name}" of ${module}, which is not loaded here: pass it as a target`,
    );
  };
  references.set(fn, reference);
  standIns.add(fn);
  return fn;
}

function resolve(module: string | URL): string {
  const given = String(module);
  const spelling = spellingOf(given, process.platform);
  if (spelling === 'path') return pathToFileURL(given).href;
  if (spelling === 'url') return given;
  if (isBuiltin(given)) return `node:${given}`;
  if (spelling === 'relative') {
    throw new FunctionReferenceError(
      `the module "${given}" is relative, but to what cannot be known: write new URL('${given}', import.meta.url) ` +
        `in an ES module, require.resolve('${given}') in a CommonJS one`,
    );
  }
  const places = [...(process.argv[1] === undefined ? [] : [dirname(process.argv[1])]), process.cwd()];
  try {
    return pathToFileURL(createRequire(__filename).resolve(given, { paths: places })).href;
  } catch (error) {
    throw new FunctionReferenceError(
      `the module "${given}" cannot be found from ${places.join(' or ')}: is it installed? ` +
        `For one that can only be imported, pass import.meta.resolve('${given}')`,
      { cause: error },
    );
  }
}
