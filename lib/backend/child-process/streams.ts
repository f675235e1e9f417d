/** Descriptors of a child behind stdin, stdout and stderr. */
export const STREAM = {
  /** Both ways: the hub and the child's helper thread. */
  helper: 3,
  /** From the child's main thread to the hub; it writes without its event loop. */
  main: 4,
} as const;
