import { builtinModules, createRequire } from 'node:module';
import { isAbsolute } from 'node:path';
import { FunctionReferenceError } from '../errors';
import { isObject, placesIn } from './exports';
import { isImportable, originOf, type Origin } from './origin';
import { knownAs, pathOf } from './paths';
import { label, reason } from './reason';
import { named, references, WAYS, type Named, type TargetReference } from './reference';
import { hashOf, isClass, textOf, type Code } from './text';

/**
 * Names what a child is to run.
 * @throws FunctionReferenceError which says why another process could not find it, and what to use instead
 */
export function referTo(target: unknown): TargetReference {
  if (typeof target === 'function') return functionReference(target);
  if (typeof target !== 'object' || target === null) {
    const hint = target === undefined ? '; is it imported under the right name?' : '';
    throw new FunctionReferenceError(
      `expected a function for a child to run, got ${target === null ? 'null' : typeof target}${hint}; ${WAYS}`,
    );
  }
  const { run, module, name } = target as { run?: unknown; module?: unknown; name?: unknown };
  if (typeof run === 'function') return runnableReference(target, run);
  if (typeof name === 'string' && (typeof module === 'string' || isURL(module))) return named(module, name);
  const keys = Object.keys(target).slice(0, 5).join(', ') || 'none';
  throw new FunctionReferenceError(
    `expected a function or an object with a run() method, got an object without one (its keys: ${keys}); ${WAYS}`,
  );
}

/**
 * The exported class of an object, and the object's own public fields.
 * @throws FunctionReferenceError if the class is not exported
 */
export function instanceReference(instance: object): TargetReference {
  const { constructor } = Object.getPrototypeOf(instance) as object;
  return {
    kind: 'object',
    ...find(constructor, constructor),
    fields: Object.fromEntries(Object.entries(instance)),
  };
}

function functionReference(fn: Code): TargetReference {
  const known = references.get(fn);
  if (known !== undefined) return known;
  if (isClass(fn)) {
    throw new FunctionReferenceError(
      `${label(fn)} is a class, which cannot be called: pass an object of it that has a run() method, or a function`,
    );
  }
  const reference: TargetReference = { kind: 'function', ...find(fn, fn) };
  references.set(fn, reference);
  return reference;
}

function runnableReference(target: object, run: Code): TargetReference {
  if (!isLiteral(target)) return instanceReference(target);
  const { module, name } = find(target, run);
  return { kind: 'function', module, name: `${name}.run` };
}

/** Not by its class, of which a vm may have another. */
function isURL(value: unknown): value is URL {
  return typeof (value as URL | null | undefined)?.href === 'string';
}

function isLiteral(target: object): boolean {
  const prototype = Object.getPrototypeOf(target) as object | null;
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

const found = new WeakMap<object, Named>();

/** Finds the module that exports `value`; `code` is the function that tells where it was made. */
function find(value: object, code: Code): Named {
  const before = found.get(value);
  if (before !== undefined) return before;
  const place = search(value, code);
  found.set(value, place);
  return place;
}

function search(value: object, code: Code): Named {
  const byName = inLoadedModules(value, code.name);
  if (byName !== undefined) return byName;
  const native = textOf(code).endsWith('{ [native code] }');
  const origin = native ? undefined : originOf(code);
  const place =
    (origin && inItsModule(value, code, origin)) ??
    inBuiltins(value, native, origin) ??
    inLoadedModules(value);
  if (place !== undefined) return place;
  throw new FunctionReferenceError(`${label(value, code)} ${reason(value, code, native, origin)}; ${WAYS}`);
}

/**
 * The CommonJS module that exports `value`, under this name or any. Identity proves it, so that neither the
 * inspector nor a getter need be asked. Backwards, because a module is listed after those that required it, which
 * may re-export what it has.
 */
function inLoadedModules(value: object, name?: string): Named | undefined {
  for (const path of Object.keys(loadedModules()).reverse()) {
    const exports: unknown = loadedModules()[path]?.exports;
    if (!isAbsolute(path) || !isObject(exports)) continue;
    if (exports === value) return { module: path, name: 'default' };
    for (const key of name === undefined ? Object.keys(exports) : [name]) {
      // A name with a dot could not be told from a path.
      const exported: unknown = key.includes('.')
        ? undefined
        : Object.getOwnPropertyDescriptor(exports, key)?.value;
      if (exported === value) return { module: path, name: key };
    }
  }
  return undefined;
}

/** A bundler may have taken it away. */
function loadedModules(): NodeJS.Dict<NodeJS.Module> {
  const { cache } = require as { cache?: NodeJS.Dict<NodeJS.Module> };
  return cache ?? {};
}

function inItsModule(value: object, code: Code, { url, scopes, variables }: Origin): Named | undefined {
  if (!isImportable(url)) return undefined;
  const module = url.replace(/[?&]tsx-namespace=[^&#]*/, '');
  if (variables !== undefined) {
    // A variable of the module is it (`export default function () {}` has none). What it is exported as, if at all,
    // the child will see: for code that captured nothing else, the text decides; otherwise only the name.
    const pure = scopes[0] === 'Module' || (isClass(code) && scopes[0] === 'Block' && scopes[1] === 'Module');
    const name = nameIn(variables, value) ?? (pure && code.name === 'default' ? 'default' : undefined);
    if (name === undefined) return undefined;
    return pure && value === code ? { module, name, hash: hashOf(code) } : { module, name };
  }
  const spelled = pathOf(url, process.platform);
  const path = knownAs(spelled, loadedModules(), process.platform) ?? spelled;
  const cached = loadedModules()[path];
  const name = cached && nameIn(cached.exports, value);
  if (name !== undefined) return { module: path, name };
  // A module that still runs may export it later, and into other module systems one cannot look: the child
  // compares the text, if that is all there is to the function.
  if (cached?.loaded === true || value !== code || code.name === '' || !scopes.every(isOfModule))
    return undefined;
  return { module: cached === undefined ? module : path, name: code.name, hash: hashOf(code) };
}

/** The function around a CommonJS module has no name; a closure's mostly has one. */
function isOfModule(scope: string): boolean {
  return scope === 'Closure' || scope === 'Script' || scope === 'Global';
}

function nameIn(exports: unknown, value: object): string | undefined {
  for (const place of placesIn(exports)) if (place.value === value) return place.name;
  return undefined;
}

/** Only those that the program has loaded. */
function inBuiltins(value: object, native: boolean, origin: Origin | undefined): Named | undefined {
  if (!native && origin?.url.startsWith('node:') !== true) return undefined;
  const load = createRequire(__filename);
  const loaded = new Set((process as unknown as { moduleLoadList?: string[] }).moduleLoadList);
  for (const id of builtinModules) {
    if (!loaded.has(`NativeModule ${id}`) || id.startsWith('_')) continue;
    const exports = load(id) as object;
    for (const [key, { value: candidate }] of Object.entries(Object.getOwnPropertyDescriptors(exports))) {
      if (candidate === value) return { module: `node:${id}`, name: key };
    }
  }
  return undefined;
}
