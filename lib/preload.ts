import type { Preload } from './backend/backend';

/** What forkservers load before they serve, and what of that this process has from the one that it comes from. */

let program: Preload = { modules: [], warmups: [], onError: 'warn' };

export function setProgramPreload(preload: Preload): void {
  program = preload;
}

/** Of processes for which nobody has asked for more. */
export function programPreload(): Preload {
  return program;
}

/** Both, in one forkserver. */
export function withMore(base: Preload, more: Pick<Preload, 'modules' | 'warmups' | 'limit'>): Preload {
  const isAlone = base.modules.length + base.warmups.length === 0;
  return {
    modules: [...base.modules, ...more.modules],
    warmups: [...base.warmups, ...more.warmups],
    // What fails is tried again in the child, which tells of it.
    onError: isAlone ? 'ignore' : base.onError,
    ...(more.limit !== undefined && Number.isFinite(more.limit) && { limit: more.limit }),
    isOwn: true,
  };
}

const done = new Set<string>();

/** @param what a module's name, or a reference to a function */
export function noteDone(what: unknown): void {
  done.add(JSON.stringify(what));
}

/** Whether it was done before this process was forked. */
export function isDone(what: unknown): boolean {
  return done.has(JSON.stringify(what));
}
