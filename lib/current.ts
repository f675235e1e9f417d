import { AsyncLocalStorage } from 'node:async_hooks';

/** Who this process is. Set once, by a child before it runs anything of the user's. */
export interface Identity {
  readonly name: string;
  readonly daemon: boolean;
  readonly worker: boolean;
  readonly parent: { readonly pid: number; readonly name: string } | undefined;
}

/** How many it has named. */
let children = 0;

let identity: Identity = { name: 'MainProcess', daemon: false, worker: false, parent: undefined };

export function identify(as: Identity): void {
  identity = as;
  children = 0;
}

export function currentIdentity(): Identity {
  return identity;
}

let child = false;

/** Called by a child's program before anything else of the library is loaded. */
export function becomeChild(): void {
  child = true;
}

export function isChild(): boolean {
  return child;
}

/** `Process-3`; in a child of that, `Process-3:1`. */
export function nextName(): string {
  children++;
  return identity.parent === undefined ? `Process-${children}` : `${identity.name}:${children}`;
}

/** Set, in a child, for all that the import of the target's module starts. */
const importing = new AsyncLocalStorage<true>();

export function whileImporting<T>(load: () => Promise<T>): Promise<T> {
  return importing.run(true, load);
}

export function isImporting(): boolean {
  return importing.getStore() === true;
}
