/** A CommonJS module for {@link rehearse} to load; rehearsal.mts is its twin. */
export function rehearsed(value: unknown): unknown {
  return value;
}
