import type { BackendName } from './backend';

let chosen: BackendName | undefined;

/**
 * Fixes the backend of this process: for the programs of children, which must have that of their parent, whatever their
 * environment says. Called before anything else of the library is loaded.
 */
export function choose(name: BackendName): void {
  chosen = name;
}

export function chosenBackend(): BackendName | undefined {
  return chosen;
}
