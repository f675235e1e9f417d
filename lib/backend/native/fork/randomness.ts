import { runInNewContext } from 'node:vm';
import { exhaustCaches, freshSeed, seedNewContexts, withSeed } from '../forkserver/randomness';

/**
 * In a child of a running program: nothing that is drawn from now on is what the parent or another child draws. References
 * taken from `Math.random` before the fork keep the old stream.
 */
export function reseed(): void {
  const random = runInNewContext('Math.random') as typeof Math.random;
  withSeed(freshSeed(), random);
  Math.random = random;
  seedNewContexts();
  exhaustCaches();
}
