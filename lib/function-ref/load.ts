import { createRequire } from 'node:module';
import { isAbsolute } from 'node:path';
import { FunctionReferenceError } from '../errors';
import { importModule } from '../import-module';
import { placesCalled, placesIn, type Place } from './exports';
import { evaluate } from './inline';
import { pathOf } from './paths';
import type { Named, TargetReference } from './reference';
import { hashOf } from './text';

export type Callable = (...args: unknown[]) => unknown;

/** What a reference stands for, in the process that runs it. */
export type Loaded =
  | { readonly call: Callable }
  | { readonly Class: { readonly prototype: object }; readonly fields: Readonly<Record<string, unknown>> };

/** An instance with the fields that came along; the constructor does not run. */
export function instantiate(
  Class: { readonly prototype: object },
  fields: Readonly<Record<string, unknown>>,
): { run: Callable } {
  return Object.assign(Object.create(Class.prototype) as { run: Callable }, fields);
}

interface FunctionPlace extends Place {
  readonly value: Callable;
}

/**
 * Loads the module of a reference and finds the target in it.
 * @throws FunctionReferenceError if the module cannot be loaded (its error is the cause) or lacks the export
 */
export async function load(reference: TargetReference): Promise<Loaded> {
  if (reference.kind === 'inline') return { call: evaluate(reference.source) as Callable };
  const exports = await exportsOf(reference.module);
  const { value, holder } = lookUp(exports, reference);
  if (reference.kind === 'object') {
    return { Class: value as unknown as { readonly prototype: object }, fields: reference.fields };
  }
  return { call: holder === exports || holder === undefined ? value : value.bind(holder) };
}

async function exportsOf(module: string): Promise<unknown> {
  try {
    // import() would give the same, but takes milliseconds to set up the first time.
    const file = module.includes('?') || module.includes('#') ? module : pathOf(module, process.platform);
    if (isAbsolute(file)) {
      const known = require.cache[file];
      if (known?.loaded === true) return known.exports;
      if (isAbsolute(module) || file.endsWith('.cjs')) return createRequire(file)(file) as unknown;
    }
    return await importModule(module);
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new FunctionReferenceError(`${module} failed to load in the child process: ${message}`, {
      cause: error,
    });
  }
}

function lookUp(exports: unknown, { module, name, hash }: Named): FunctionPlace {
  const called = [...placesCalled(name, exports)].filter(isFunction);
  if (hash === undefined) {
    if (called[0] !== undefined) return called[0];
    throw new FunctionReferenceError(`${module} exports no function "${name}"; ${namesOf(exports)}`);
  }
  const same = called.find(({ value }) => hashOf(value) === hash);
  if (same !== undefined) return same;
  // `export { f as g }` or a default export: the parent knows only what the function calls itself.
  const candidates = [...placesIn(exports)].filter(isFunction).filter(({ value }) => hashOf(value) === hash);
  const [first] = candidates;
  if (first === undefined) {
    throw new FunctionReferenceError(
      called.length > 0
        ? `the function "${name}" of ${module} differs from the parent's: the file has changed since, or it is ` +
            'another function of that name, which is not exported; start again, or export it'
        : `${module} does not export the function "${name}": export it, or use inline(fn); ${namesOf(exports)}`,
    );
  }
  if (candidates.some(({ value }) => value !== first.value)) {
    const names = candidates.map((place) => `"${place.name}"`).join(', ');
    throw new FunctionReferenceError(
      `${module} exports several functions with the text of "${name}": ${names}; say which, with ref(url, name)`,
    );
  }
  return first;
}

function isFunction(place: Place): place is FunctionPlace {
  return typeof place.value === 'function';
}

function namesOf(exports: unknown): string {
  const names = new Set<string>();
  for (const place of placesIn(exports)) {
    // What is in `default` is all there is to see of many a CommonJS module.
    const name = place.name.replace(/^(default|module\.exports)\./, '');
    if (isFunction(place) && !name.includes('.')) names.add(name);
  }
  const more = names.size > 20 ? ', …' : '';
  return names.size === 0
    ? 'it exports no functions'
    : `it exports ${[...names].slice(0, 20).join(', ')}${more}`;
}
