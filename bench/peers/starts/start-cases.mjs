import { readFileSync } from 'node:fs';
import { median } from '../../measure.mjs';

/** What a process has for itself alone, in MB; what it shares with others costs nothing more. */
export function privateMegabytes(pid) {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8');
  const kilobytes = [...text.matchAll(/^Private_\w+:\s+(\d+)/gm)].map(([, number]) => Number(number));
  return kilobytes.reduce((sum, number) => sum + number, 0) / 1024;
}

/** @param start resolves with { pid, end } when the first message of the new process has come */
export function startCases(start) {
  return {
    async first() {
      const started = performance.now();
      await start();
      return performance.now() - started;
    },

    async warm({ milliseconds }) {
      await (await start()).end();
      const times = [];
      const end = performance.now() + milliseconds * 4;
      do {
        const started = performance.now();
        const child = await start();
        times.push(performance.now() - started);
        await child.end();
      } while (performance.now() < end && times.length < 50);
      return median(times);
    },

    /** The same with so many megabytes of the parent's in use, which a plain fork would have to map once more. */
    async big({ megabytes, milliseconds }) {
      const heap = Array.from({ length: megabytes / 8 }, () => new Array(1 << 20).fill(0.5));
      const time = await this.warm({ milliseconds });
      if (heap.length === 0) throw new Error('the heap is gone');
      return time;
    },

    async many({ count }) {
      await (await start()).end();
      const started = performance.now();
      const children = await Promise.all(Array.from({ length: count }, start));
      const passed = performance.now() - started;
      await Promise.all(children.map((child) => child.end()));
      return passed;
    },

    async memory() {
      await (await start()).end();
      const child = await start();
      await new Promise((resolve) => setTimeout(resolve, 200)); // what it does on its own after the start
      return privateMegabytes(child.pid);
    },
  };
}
