import { readFileSync } from 'node:fs';

/** How often (ms) a worker looks at its memory, at most. */
const LOOK_INTERVAL = 5;

/** When a worker is to be replaced by a new one. */
export interface RetirementLimits {
  /** Tasks; Infinity for any number. */
  readonly maxTasks: number;
  /** Bytes of private memory; Infinity for any amount. */
  readonly maxMemory: number;
}

/** In a worker: whether it has done enough. */
export class Retirement {
  readonly #limits: RetirementLimits;
  readonly #isLimited: boolean;
  #tasks = 0;
  #lookedAt = 0;

  constructor(limits: RetirementLimits) {
    this.#limits = limits;
    this.#isLimited = limits.maxTasks < Infinity || limits.maxMemory < Infinity;
  }

  /** Another task is done; whether it was the last one. */
  isDue(): boolean {
    if (!this.#isLimited) return false;
    return ++this.#tasks >= this.#limits.maxTasks || this.#isTooLarge();
  }

  /** Whether a task may begin beside those that run: they too will be done. */
  allows(running: number): boolean {
    return this.#tasks + running < this.#limits.maxTasks;
  }

  #isTooLarge(): boolean {
    const { maxMemory } = this.#limits;
    if (maxMemory === Infinity) return false;
    const now = performance.now();
    if (now - this.#lookedAt < LOOK_INTERVAL) return false;
    this.#lookedAt = now;
    // All memory, which is quick to find out, is never less than the private part.
    return process.memoryUsage.rss() > maxMemory && privateMemory() > maxMemory;
  }
}

/** Bytes that no other process shares; where the system does not tell, all resident memory. */
function privateMemory(): number {
  if (process.platform !== 'linux') return process.memoryUsage.rss();
  try {
    const sizes = readFileSync('/proc/self/smaps_rollup', 'latin1').matchAll(/^Private_\w+:\s+(\d+) kB$/gm);
    let bytes = 0;
    for (const [, kilobytes] of sizes) bytes += 1024 * Number(kilobytes);
    return bytes;
  } catch {
    return process.memoryUsage.rss(); // no /proc, or a kernel without this file
  }
}
