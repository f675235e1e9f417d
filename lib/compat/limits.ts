import type { ResourceLimits } from 'node:worker_threads';

/** The limits of a thread's heap, as flags of a process. */
export function limitFlags({
  maxOldGenerationSizeMb: old,
  maxYoungGenerationSizeMb: young,
  stackSizeMb: stack,
}: ResourceLimits = {}): string[] {
  return [
    ...(old === undefined ? [] : [`--max-old-space-size=${old}`]),
    ...(young === undefined ? [] : [`--max-semi-space-size=${Math.max(1, Math.round(young / 3))}`]),
    ...(stack === undefined ? [] : [`--stack-size=${Math.round(stack * 1024)}`]),
  ];
}
