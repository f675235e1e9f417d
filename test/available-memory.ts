import { readFileSync } from 'node:fs';
import { constrainedMemory } from 'node:process';

/** Bytes that this process could still have. */
export function availableMemory(): number {
  const machine =
    Number(/^MemAvailable: +(\d+)/m.exec(readFileSync('/proc/meminfo', 'utf8'))?.[1] ?? 0) * 1024;
  const limit = constrainedMemory();
  return limit > 0 && limit < 2 ** 60 ? Math.min(machine, limit) : machine;
}
