import { invalid, record } from './options';

/** What a module does about a fork of the process that it is loaded in. */
export interface ForkHooks {
  /** In the process that is going to be forked; for a forkserver once, before it serves; under `fork` before each. */
  readonly before?: () => unknown;
  /** In the process that has been forked, by the method `fork`. A forkserver runs no JavaScript then: never there. */
  readonly inParent?: () => unknown;
  /** In each child, before its target. A promise is awaited. */
  readonly inChild?: () => unknown;
}

const all: ForkHooks[] = [];

/**
 * Lets a module that is loaded before a fork (see `setForkserverPreload`) put itself in order: close connections before,
 * forget caches and random numbers that were drawn ahead after it.
 */
export function onFork(hooks: ForkHooks): void {
  const given = record('onFork hooks', hooks, ['before', 'inParent', 'inChild']);
  for (const [name, hook] of Object.entries(given)) {
    if (hook !== undefined && typeof hook !== 'function')
      throw invalid(`onFork hook "${name}"`, 'a function', hook);
  }
  all.push(hooks);
}

/** In the order of Python's os.register_at_fork: what was registered last is prepared first. */
export async function beforeFork(): Promise<void> {
  for (const { before } of [...all].reverse()) await before?.();
}

/** What goes wrong here is an uncaught error: the child is there. */
export function afterForkInParent(): void {
  for (const { inParent } of all) void Promise.resolve().then(() => inParent?.());
}

export async function afterFork(): Promise<void> {
  for (const { inChild } of all) await inChild?.();
}
