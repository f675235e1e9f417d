import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';
import { FunctionReferenceError } from '../errors';
import { textHash, type TargetReference } from './reference';

export type Callable = (...args: unknown[]) => unknown;

interface ClassAndFields {
  readonly Class: { readonly prototype: object };
  readonly fields: Readonly<Record<string, unknown>>;
}

/** What a reference stands for, in the process that runs it. */
export type Loaded = { readonly call: Callable } | ClassAndFields;

type Named = Exclude<TargetReference, { kind: 'inline' }>;

/**
 * Imports the module of a reference and finds the target in it.
 * @throws FunctionReferenceError if the module cannot be loaded (its own error is the cause) or lacks the name
 */
export async function load(reference: TargetReference): Promise<Loaded> {
  if (reference.kind === 'inline') {
    // eslint-disable-next-line @typescript-eslint/no-implied-eval -- the user's own source, sent for this purpose
    return { call: new Function(`return (${reference.source}\n)`)() as Callable };
  }
  let namespace: Record<string, unknown>;
  try {
    namespace = (await import(
      isAbsolute(reference.module) ? pathToFileURL(reference.module).href : reference.module
    )) as Record<string, unknown>;
  } catch (error) {
    throw new FunctionReferenceError(
      `the module ${reference.module} failed to load in the child process: ${String((error as Error | null)?.message ?? error)}`,
      { cause: error },
    );
  }
  const found = lookUp(namespace, reference);
  if (typeof found?.value !== 'function') throw missing(namespace, reference);
  if (reference.kind === 'object') {
    return { Class: found.value as unknown as ClassAndFields['Class'], fields: reference.fields };
  }
  const fn = found.value as Callable;
  return { call: found.holder === undefined ? fn : fn.bind(found.holder) };
}

interface Place {
  readonly value: unknown;
  readonly holder: unknown;
}

function lookUp(namespace: Record<string, unknown>, { name, hash }: Named): Place | undefined {
  const roots = [namespace, namespace['default']];
  const matches = (place: Place | undefined) =>
    typeof place?.value === 'function' && (hash === undefined || textHash(place.value) === hash);
  for (const root of roots) {
    const place = follow(root, name);
    if (matches(place)) return place;
  }
  // Exported under another name (`export { f as g }`, `export default`): the text tells.
  if (hash !== undefined) {
    for (const root of roots) {
      for (const key of Object.keys((root as object | null | undefined) ?? {})) {
        const place = { value: (root as Record<string, unknown>)[key], holder: undefined };
        if (matches(place)) return place;
      }
    }
  }
  return undefined;
}

function follow(root: unknown, path: string): Place | undefined {
  let value: unknown = root;
  let holder: unknown = undefined;
  for (const [i, step] of path.split('.').entries()) {
    if ((typeof value !== 'object' && typeof value !== 'function') || value === null || !(step in value))
      return undefined;
    holder = i > 0 ? value : undefined;
    value = (value as Record<string, unknown>)[step];
  }
  return { value, holder };
}

function missing(namespace: Record<string, unknown>, { module, name, hash }: Named): FunctionReferenceError {
  const names = Object.keys(namespace).filter((key) => key !== 'default' && key !== 'module.exports');
  const has = names.length === 0 ? 'it exports no names' : `it exports ${names.slice(0, 20).join(', ')}`;
  const inner =
    hash === undefined ? '' : ', or is a closure, a nested function, or changed since the parent loaded it';
  return new FunctionReferenceError(
    `${module} exports no function "${name}" (${has}): it is not exported under that name${inner}; export it, or use inline(fn)`,
  );
}
