/**
 * The virtual size of every ring: 4 GiB. Only what is used is real. A ring's region is its header and this, and the
 * two rings of a duplex lie one behind the other.
 */
export const RING_BYTES = 2 ** 32;

/** Descriptors that a spawned child finds open behind stdin, stdout and stderr, in this order. */
export const INHERITED = {
  /** The child's end of its link: memory, own event, the parent's event, socket. */
  link: [3, 4, 5, 6],
  /** The read end of the pipe whose write end only the parent holds. */
  life: 7,
} as const;
