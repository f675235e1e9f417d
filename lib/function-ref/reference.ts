import { createHash } from 'node:crypto';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FunctionReferenceError } from '../errors';
import { locate } from './locate';

/** How a child finds what it is to run. Travels as plain data. */
export type TargetReference =
  | { readonly kind: 'function'; readonly module: string; readonly name: string; readonly hash?: string }
  | { readonly kind: 'inline'; readonly source: string }
  | {
      readonly kind: 'object';
      readonly module: string;
      readonly name: string;
      readonly hash?: string;
      readonly fields: Readonly<Record<string, unknown>>;
    };

// eslint-disable-next-line @typescript-eslint/no-explicit-any -- the one type that every function is assignable to
type AnyFunction = (...args: any[]) => unknown;

/** A function named by its module, or by its source. Made by {@link ref}, {@link refs} and {@link inline}. */
export class NamedTarget {
  constructor(readonly reference: TargetReference) {}
}

const WAYS =
  'use a function that its module exports, ref(new URL(…), name), refs(new URL(…)), inline(fn) for a function that ' +
  'needs nothing but its arguments, or an object of an exported class with a run() method';

/** A digest of a function's text: what a child compares when the parent could not look at the module's exports. */
export function textHash(fn: object): string {
  return createHash('sha256').update(Function.prototype.toString.call(fn)).digest('hex').slice(0, 16);
}

function label(fn: { readonly name: string }): string {
  return fn.name === '' ? '(anonymous)' : `"${fn.name}"`;
}

/**
 * Names what a child is to run.
 * @throws FunctionReferenceError which says why another process could not find it, and what to use instead
 */
export function referTo(target: unknown): TargetReference {
  if (target instanceof NamedTarget) return target.reference;
  if (typeof target === 'function') return functionReference(target as AnyFunction);
  if (typeof target === 'object' && target !== null) return objectReference(target);
  throw new FunctionReferenceError(
    `expected something that a child process can run, got ${target === null ? 'null' : typeof target}; ${WAYS}` +
      (target === undefined
        ? ' (an undefined target often is an import of a name that the module does not export)'
        : ''),
  );
}

const referred = new WeakMap<object, TargetReference>();

function functionReference(fn: AnyFunction): TargetReference {
  const before = referred.get(fn);
  if (before !== undefined) return before;
  const text = Function.prototype.toString.call(fn);
  if (text.startsWith('class')) {
    throw new FunctionReferenceError(
      `the class ${label(fn)} cannot be called in a child; pass an object of it that has a run() method, or a function`,
    );
  }
  if (/\{\s*\[native code\]\s*\}$/.test(text)) {
    throw new FunctionReferenceError(
      `the function ${label(fn)} is native or bound, so it has no module and no source; wrap it in an exported function`,
    );
  }
  const found = find(fn, 'function');
  const reference: TargetReference = { kind: 'function', ...found };
  if (found.hash === undefined) referred.set(fn, reference);
  return reference;
}

/** An object with a run() method: a literal that its module exports, or an instance of an exported class. */
function objectReference(target: object): TargetReference {
  const { module, name, run } = target as { module?: unknown; name?: unknown; run?: unknown };
  if (typeof run === 'function') {
    if (Object.hasOwn(target, 'run')) {
      const exported = exportsOf(locate(run)?.url);
      const holder = exported && nameIn(exported.value, target);
      if (exported !== undefined && holder !== undefined) {
        return { kind: 'function', module: exported.module, name: `${holder}.run` };
      }
    }
    return instanceReference(target);
  }
  if (typeof module === 'string' && typeof name === 'string')
    return { kind: 'function', module: resolve(module), name };
  throw new FunctionReferenceError(
    `expected something that a child process can run, got an object without run(); ${WAYS}`,
  );
}

/** The exported class of an object, and the object's own public fields. */
export function instanceReference(instance: object): TargetReference {
  const found = find(instance.constructor, 'class');
  return { kind: 'object', ...found, fields: { ...instance } };
}

interface Found {
  readonly module: string;
  readonly name: string;
  readonly hash?: string;
}

function find(fn: { readonly name: string }, what: 'function' | 'class'): Found {
  const location = locate(fn);
  if (!location?.url.startsWith('file:')) {
    throw new FunctionReferenceError(
      `the ${what} ${label(fn)} is not defined in a file (${location?.url ?? 'eval, the REPL or node -e'}), so that a ` +
        `child cannot import it; ${WAYS}`,
    );
  }
  const exported = exportsOf(location.url);
  if (!exported?.complete) {
    // An ES module, or a module that still runs: the child compares the text.
    return { module: importable(location.url), name: fn.name || 'default', hash: textHash(fn) };
  }
  const name = nameIn(exported.value, fn);
  if (name === undefined) {
    throw new FunctionReferenceError(
      `the ${what} ${label(fn)} is not exported by ${fileURLToPath(location.url)}, so that a child cannot find it ` +
        `(closures and nested functions never can be); export it, or ${WAYS}`,
    );
  }
  return { module: exported.module, name };
}

interface Exports {
  readonly module: string;
  readonly value: unknown;
  readonly complete: boolean;
}

/** The exports of a loaded CommonJS module. */
function exportsOf(url: string | undefined): Exports | undefined {
  if (url?.startsWith('file:') !== true) return undefined;
  const path = fileURLToPath(url);
  const module = require.cache[path];
  if (module === undefined) return undefined;
  return { module: importable(url), value: module.exports, complete: module.loaded };
}

/** A loader's private query says nothing to another process; the user's own one does. */
function importable(url: string): string {
  return url.replace(/([?&])tsx-namespace=[^&]*&?/, '$1').replace(/[?&]$/, '');
}

function nameIn(exports: unknown, wanted: unknown): string | undefined {
  if (exports === wanted) return 'default';
  if ((typeof exports !== 'object' && typeof exports !== 'function') || exports === null) return undefined;
  const preferred = (wanted as { name?: unknown }).name;
  const table = exports as Record<string, unknown>;
  if (typeof preferred === 'string' && Object.hasOwn(table, preferred) && table[preferred] === wanted)
    return preferred;
  const keys = Object.keys(table);
  for (const key of keys) if (table[key] === wanted) return key;
  for (const key of keys) {
    const holder = table[key];
    if ((typeof holder !== 'object' && typeof holder !== 'function') || holder === null) continue;
    for (const inner of Object.getOwnPropertyNames(holder)) {
      if (inner === 'prototype' || inner === 'caller' || inner === 'arguments') continue;
      if (Object.getOwnPropertyDescriptor(holder, inner)?.value === wanted) return `${key}.${inner}`;
    }
  }
  return undefined;
}

function resolve(module: string | URL): string {
  if (typeof module !== 'string') return module.href;
  if (/^(file|node|data):/.test(module)) return module;
  if (module.startsWith('.')) {
    throw new FunctionReferenceError(
      `"${module}" is relative, but to what cannot be known; write new URL(${JSON.stringify(module)}, import.meta.url) ` +
        `in an ES module, or require.resolve(${JSON.stringify(module)}) in a CommonJS one`,
    );
  }
  if (module.startsWith('/') || /^[A-Za-z]:[\\/]/.test(module)) return module;
  try {
    return createRequire(join(process.cwd(), 'noop.js')).resolve(module);
  } catch (error) {
    throw new FunctionReferenceError(
      `the module "${module}" cannot be found from ${process.cwd()}; is it installed?`,
      {
        cause: error,
      },
    );
  }
}

/** A function of a module, by name; nothing is loaded here. `name` may be dotted, or 'default'. */
export function ref<F extends AnyFunction = (...args: unknown[]) => unknown>(
  module: string | URL,
  name: string,
): F {
  return new NamedTarget({ kind: 'function', module: resolve(module), name }) as unknown as F;
}

/** The functions among a module's exports. */
export type References<M> = {
  readonly [K in keyof M as M[K] extends AnyFunction ? K : never]: M[K];
};

/**
 * Typed references to the functions of a module, which is not loaded here:
 * `refs<typeof import('./work.js')>(new URL('./work.js', import.meta.url))`.
 */
export function refs<M>(module: string | URL): References<M> {
  const resolved = resolve(module);
  const made = new Map<string, unknown>(); // the same name gives the same object
  return new Proxy({} as References<M>, {
    get: (_target, name): unknown => {
      if (typeof name !== 'string') return undefined;
      if (!made.has(name)) made.set(name, ref(resolved, name));
      return made.get(name);
    },
  });
}

/**
 * Sends the function as source text. In the child it sees its arguments and globals, nothing else.
 * @throws FunctionReferenceError if the source is not there (native code) or not an expression
 */
export function inline<F extends AnyFunction>(fn: F): F {
  if (typeof fn !== 'function')
    throw new FunctionReferenceError(`inline expects a function, got ${typeof fn}`);
  const text = Function.prototype.toString.call(fn);
  for (const source of [text, asFunction(text)]) {
    if (parses(source)) return new NamedTarget({ kind: 'inline', source }) as unknown as F;
  }
  throw new FunctionReferenceError(
    `the source of ${label(fn)} cannot stand alone (native, bound, a getter or a private method); write it as a function or an arrow`,
  );
}

/** A method's text, `async *name(…) {…}`, as a function's. */
function asFunction(text: string): string {
  const [, isAsync = '', star = '', rest = ''] = /^(async\s+)?(\*\s*)?([\s\S]*)$/.exec(text) ?? [];
  return `${isAsync}function ${star}${rest}`;
}

function parses(source: string): boolean {
  try {
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- parsed, never called
    new Function(`return (${source}\n)`);
    return true;
  } catch {
    return false;
  }
}
