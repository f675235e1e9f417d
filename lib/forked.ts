/**
 * What the fork of a running program copies that is its parent's alone. Each module says how it parts with what it holds;
 * all of that is called in the child, before anything else runs there.
 */
const partings: (() => void)[] = [];

/** Calls `part` in each process that is forked from this one as it runs, and from those; not in forkserver children. */
export function whenForked(part: () => void): void {
  partings.push(part);
}

/** Called in the child. */
export function partFromParent(): void {
  generation++;
  for (const part of partings) part();
}

/** What a process knows of itself alone: in a forked child it is made anew. */
export function perProcess<T>(make: () => T): () => T {
  let value = make();
  let madeIn = generation;
  return () => {
    if (madeIn !== generation) value = make();
    madeIn = generation;
    return value;
  };
}

/** Never resolves in a child that was forked meanwhile: what waited was its parent. */
export async function onlyHere(promise: Promise<unknown>): Promise<void> {
  const begun = generation;
  await promise;
  if (begun !== generation) await new Promise(() => undefined);
}

let generation = 0;

/** Changes with each fork that this process comes from: what was made under another value was made by another process. */
export function forkGeneration(): number {
  return generation;
}
