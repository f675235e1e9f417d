import { isAbsolute } from 'node:path';
import { pathToFileURL } from 'node:url';

/**
 * `import()`, from a file that Node itself loads: code that comes from V8's cache has none.
 * @param module a path, a file URL or a name
 * @returns its namespace
 */
export function importModule(module: string): Promise<unknown> {
  return import(isAbsolute(module) ? pathToFileURL(module).href : module) as Promise<unknown>;
}
