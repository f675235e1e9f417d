import { createRequire } from 'node:module';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { FunctionReferenceError } from './errors';
import { invalid, list } from './options';

/**
 * Modules that another process is to load: as file names, or names of Node's own modules.
 * @param name what errors call the list
 * @throws FunctionReferenceError if a module cannot be found from the main program
 */
export function moduleNames(name: string, modules: unknown): string[] {
  return list(name, modules).map((module, i) => resolve(`${name}[${i}]`, module));
}

function resolve(name: string, module: unknown): string {
  if (!(module instanceof URL) && typeof module !== 'string') {
    throw invalid(name, 'a file name, URL or package name', module);
  }
  const text = String(module);
  if (text.startsWith('file:')) return fileURLToPath(text);
  if (isAbsolute(text)) return text;
  try {
    // There may be none (`node -e`), or one that is no file (`node -`, a worker made of text).
    const main = process.argv[1] ?? '';
    return createRequire(isAbsolute(main) ? main : join(process.cwd(), 'main.js')).resolve(text);
  } catch (error) {
    throw new FunctionReferenceError(
      `the module ${text} that is to be preloaded cannot be found from the main program; give its file name`,
      { cause: error },
    );
  }
}
