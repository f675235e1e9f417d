/** The same numbers for the same seed: `next(n)` is one of 0 … n − 1. */
export function randomFrom(seed) {
  let state = seed >>> 0;
  return (below) => {
    // Mulberry32 by Tommy Ettinger, in the public domain: the last bits are as random as the first.
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return Math.floor((((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}
