/** Python's `kwargs`: what a JavaScript function takes as an options object behind its other arguments. */
export type Keywords = Readonly<Record<string, unknown>> | null;

export function argumentsWith(args: readonly unknown[], keywords: Keywords | undefined): readonly unknown[] {
  return !isGiven(keywords) || Object.keys(keywords).length === 0 ? args : [...args, keywords];
}

/** Whether it is there, and not Python's None. */
export function isGiven<T>(value: T | null | undefined): value is T {
  return value !== undefined && value !== null;
}
