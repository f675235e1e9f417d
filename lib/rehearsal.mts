/** An ES module for a forkserver's rehearsal to load; rehearsal.ts is its twin. */
export function rehearsed(value: unknown): unknown {
  return value;
}
