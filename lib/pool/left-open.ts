import { forkGeneration } from '../forked';
import type { Scheduler } from './scheduler';

interface Left {
  readonly scheduler: Scheduler;
  /** Of the process that made the pool, which a fork copies. */
  readonly generation: number;
}

const registry = new FinalizationRegistry<Left>(({ scheduler, generation }) => {
  if (scheduler.state !== 'running' || generation !== forkGeneration()) return;
  process.emitWarning(
    'a pool was garbage-collected while it was open, and is closed now; close() or terminate() it, or hold it by ' +
      '`await using`',
    'ForkfulOpenPoolWarning',
  );
  void scheduler.close();
});

/** Closes what is behind a pool that nobody holds any more. The scheduler must not refer to the pool, which would then live for ever. */
export function closeWhenCollected(pool: object, scheduler: Scheduler): void {
  registry.register(pool, { scheduler, generation: forkGeneration() });
}

/** How a pool's scheduler knows its pool: weakly, but for one that has listeners, who may be all that is left of its user. */
export class PoolReference<P extends object> {
  readonly #weak: WeakRef<P>;
  #strong: P | undefined;

  constructor(pool: P) {
    this.#weak = new WeakRef(pool);
  }

  /** undefined if it was collected. */
  get pool(): P | undefined {
    return this.#strong ?? this.#weak.deref();
  }

  hold(): void {
    this.#strong = this.pool;
  }
}
