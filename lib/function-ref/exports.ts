import { types } from 'node:util';

/** Something that a module exports. */
export interface Place {
  readonly name: string;
  readonly value: unknown;
  /** The object it is a property of, hence its `this`; undefined for the exports as a whole. */
  readonly holder: unknown;
}

/** The whole (`module.exports = f`), each export, and what is in those that are objects or classes. */
export function* placesIn(exports: unknown): Generator<Place> {
  yield { name: 'default', value: exports, holder: undefined };
  if (!isObject(exports)) return;
  const own: Place[] = [];
  for (const key of keysOf(exports)) own.push({ name: key, value: read(exports, key), holder: exports });
  yield* own;
  for (const { name, value } of own) {
    if (!isObject(value) || types.isProxy(value)) continue;
    for (const key of keysOf(value)) {
      // Getters of the module itself are how compilers export; those any further down may do anything.
      const inner: unknown = Object.getOwnPropertyDescriptor(value, key)?.value;
      yield { name: `${name}.${key}`, value: inner, holder: value };
    }
  }
}

/** What a dotted name may stand for in ES modules, CommonJS and what is compiled to it; the likeliest first. */
export function* placesCalled(name: string, exports: unknown): Generator<Place> {
  const path = name.split('.');
  yield* follow(name, exports, path);
  if (isObject(exports) && 'default' in exports) yield* follow(name, exports['default'], path);
  if (path[0] === 'default') yield* follow(name, exports, path.slice(1));
}

function* follow(name: string, exports: unknown, path: readonly string[]): Generator<Place> {
  let value = exports;
  let holder: unknown;
  for (const key of path) {
    if (!isObject(value) || !(key in value)) return;
    holder = value;
    value = read(value, key);
  }
  yield { name, value, holder };
}

export function isObject(value: unknown): value is Record<string, unknown> {
  return (typeof value === 'object' && value !== null) || typeof value === 'function';
}

/** Static methods are not enumerable. A name with a dot could not be told from a path. */
function keysOf(object: object): string[] {
  return Object.getOwnPropertyNames(object).filter((key) => key !== 'prototype' && !key.includes('.'));
}

/** undefined for a variable of a module that has not come to its definition. */
function read(object: Record<string, unknown>, key: string): unknown {
  try {
    return object[key];
  } catch {
    return undefined;
  }
}
