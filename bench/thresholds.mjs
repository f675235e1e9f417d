/** What each figure must reach. */
export const thresholds = {
  queue: {
    '64 B Buffers, sync put/get, two processes': 3_000_000,
    'the same ÷ child_process advanced': 15,
  },
  pool: { '100,000 applyAsync of numbers, 2 workers': 150_000 },
  demo: { 'speed-up of the pool ÷ that of two copies': 0.9 },
};
