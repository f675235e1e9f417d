import { backend } from './backend';
import type { StartMethod } from './backend/backend';
import { InvalidStateError, UnsupportedError } from './errors';
import { flag, oneOf, record } from './options';

const METHODS: readonly StartMethod[] = ['fork', 'forkserver', 'spawn'];

let chosen: StartMethod | undefined;

/** The start methods that work here, the default one first. */
export function getAllStartMethods(): StartMethod[] {
  return [...backend.startMethods];
}

/** @throws UnsupportedError if it does not work here */
export function checkStartMethod(method: unknown): StartMethod {
  const checked = oneOf('start method', method, METHODS);
  if (!backend.startMethods.includes(checked)) {
    throw new UnsupportedError(
      `the start method '${checked}' is not available here; available: ${backend.startMethods.join(', ')}`,
    );
  }
  return checked;
}

/** The start method in use; asking fixes it, as in Python. */
export function getStartMethod(): StartMethod {
  return (chosen ??= backend.startMethods[0] ?? 'spawn');
}

/**
 * Chooses the start method of this program; once, in the main module.
 * @throws InvalidStateError if one is in use already and `force` is not given
 */
export function setStartMethod(method: StartMethod, options?: { readonly force?: boolean }): void {
  const { force } = record('setStartMethod options', options, ['force']);
  const forced = force !== undefined && flag('setStartMethod option "force"', force);
  const checked = checkStartMethod(method);
  if (chosen !== undefined && !forced) {
    throw new InvalidStateError(
      `the start method is '${chosen}' already; call setStartMethod before anything is started, or use { force: true }`,
    );
  }
  chosen = checked;
}
