import { createRequire } from 'node:module';
import { isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { backend } from './backend';
import { FunctionReferenceError } from './errors';
import { referTo } from './function-ref';
import { invalid, list, oneOf, record } from './options';

export interface ForkserverPreloadOptions {
  /**
   * An exported function that is called once when the modules are loaded: what it exercises is compiled and optimized
   * in every child from birth.
   */
  readonly warmup?: (() => unknown) | { readonly module: string; readonly name: string };
  /** What a module or a warm-up that fails does: nothing, a line on stderr, or an error for every start. @default 'warn' */
  readonly onError?: 'ignore' | 'warn' | 'fail';
}

/**
 * Modules that a forkserver loads once, before it forks: children are born with them. Concerns forkservers that are
 * started later; call it at the start of the program. Other start methods take no notice.
 * @param modules file names, file: URLs, or names of packages as the main program would require them
 * @throws FunctionReferenceError if a module cannot be found
 */
export function setForkserverPreload(
  modules: readonly (string | URL)[],
  options?: ForkserverPreloadOptions,
): void {
  const { warmup, onError } = record('setForkserverPreload options', options, ['warmup', 'onError']);
  backend.setPreload({
    modules: list('setForkserverPreload argument "modules"', modules).map(resolve),
    warmup: warmup === undefined ? undefined : referTo(warmup),
    onError:
      onError === undefined
        ? 'warn'
        : oneOf('setForkserverPreload option "onError"', onError, ['ignore', 'warn', 'fail']),
  });
}

function resolve(module: unknown, index: number): string {
  if (!(module instanceof URL) && typeof module !== 'string') {
    throw invalid(
      `setForkserverPreload argument "modules"[${index}]`,
      'a file name, URL or package name',
      module,
    );
  }
  const name = String(module);
  if (name.startsWith('file:')) return fileURLToPath(name);
  if (isAbsolute(name)) return name;
  try {
    // There may be none (`node -e`), or one that is no file (`node -`, a worker made of text).
    const main = process.argv[1] ?? '';
    return createRequire(isAbsolute(main) ? main : join(process.cwd(), 'main.js')).resolve(name);
  } catch (error) {
    throw new FunctionReferenceError(
      `the module ${name} that a forkserver is to preload cannot be found from the main program; give its file name`,
      { cause: error },
    );
  }
}
