import type { Preload } from './backend/backend';
import { referTo } from './function-ref';
import { moduleNames } from './module-names';
import { oneOf, record } from './options';
import { setProgramPreload } from './preload';

/** What a forkserver does beside loading modules, and what becomes of failures. */
export interface ForkserverPreloadOptions {
  /**
   * An exported function that is called once when the modules are loaded: what it exercises is compiled and optimized
   * in every child from birth.
   */
  readonly warmup?:
    | (() => unknown)
    | {
        /** As {@link ref} takes it. */
        readonly module: string;
        /** Of the export: `f`, `default` or a path such as `Class.staticMethod`. */
        readonly name: string;
      };
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
  setProgramPreload(preloadFrom('setForkserverPreload', 'argument "modules"', modules, options));
}

/**
 * @param call what errors call the call
 * @param list what they call the modules
 */
export function preloadFrom(
  call: string,
  list: string,
  modules: unknown,
  options: ForkserverPreloadOptions | undefined,
): Preload {
  const { warmup, onError } = record(`${call} options`, options, ['warmup', 'onError']);
  return {
    modules: moduleNames(`${call} ${list}`, modules),
    warmups: warmup === undefined ? [] : [referTo(warmup)],
    onError:
      onError === undefined ? 'warn' : oneOf(`${call} option "onError"`, onError, ['ignore', 'warn', 'fail']),
  };
}
