import { backend } from './backend';
import type { StartMethod } from './backend/backend';
import { InvalidStateError, UnsupportedError } from './errors';
import { flag, oneOf, record } from './options';

/** All that there are, wherever they work. */
export const METHODS: readonly StartMethod[] = ['fork', 'forkserver', 'spawn'];

/** What the program has asked for. */
let explicit: StartMethod | undefined;
/** Whether the default is in use already. */
let isFixed = false;

/** The start methods that work here, the default one first. */
export function getAllStartMethods(): StartMethod[] {
  return backend.startMethods.filter((method) => backend.unavailable(method) === undefined);
}

/** Why it does not work here; undefined if nothing is known against it. */
export function whyUnavailable(method: StartMethod): string | undefined {
  const reason = backend.unavailable(method);
  return backend.startMethods.includes(method) ? reason : (reason ?? 'not on this platform');
}

/** @throws UnsupportedError if it does not work here */
export function checkStartMethod(method: unknown): StartMethod {
  const checked = oneOf('start method', method, METHODS);
  if (!backend.startMethods.includes(checked)) {
    throw new UnsupportedError(
      `the start method '${checked}' is not available here: ${whyUnavailable(checked)}; ` +
        `available: ${backend.startMethods.join(', ')}`,
    );
  }
  return checked;
}

/**
 * The start method in use; asking fixes it, as in Python. If a forkserver turns out not to be safe in this program the
 * default becomes 'spawn'; `backend()` tells why.
 */
export function getStartMethod(): StartMethod {
  isFixed = true;
  return explicit ?? getAllStartMethods()[0] ?? 'spawn';
}

/** Whether the program has asked for its start method by {@link setStartMethod}. */
export function isStartMethodChosen(): boolean {
  return explicit !== undefined;
}

/** How to start a process for which `method` was asked, if any; `fallback`: another method will do. */
export function startMethodFor(method: StartMethod | undefined): { method: StartMethod; fallback: boolean } {
  const asked = method ?? explicit;
  return { method: asked ?? getStartMethod(), fallback: asked === undefined };
}

/**
 * Chooses the start method of this program; once, in the main module.
 * @throws InvalidStateError if one is in use already and `force` is not given
 */
export function setStartMethod(method: StartMethod, options?: { readonly force?: boolean }): void {
  const { force } = record('setStartMethod options', options, ['force']);
  const forced = force !== undefined && flag('setStartMethod option "force"', force);
  const checked = checkStartMethod(method);
  if ((explicit !== undefined || isFixed) && !forced) {
    throw new InvalidStateError(
      `the start method is '${getStartMethod()}' already; call setStartMethod before anything is started, or use ` +
        '{ force: true }',
    );
  }
  explicit = checked;
}
