import { Event, Lock, Process, RLock, Semaphore, refs } from '../../forkful.mjs';
import { timeOfOne } from '../../measure.mjs';

const otherSide = refs(new URL('./other-side.cjs', import.meta.url));
const create = {
  Lock: () => new Lock(),
  RLock: () => new RLock(),
  Semaphore: () => new Semaphore(1),
  'Semaphore(2)': () => new Semaphore(2),
};

async function nanoseconds(job, milliseconds) {
  return (await timeOfOne(job, { milliseconds, most: 1e8 })) * 1e6;
}

/** Acquiring and releasing. */
export const locks = {
  alone({ of, milliseconds }) {
    const lock = create[of]();
    return nanoseconds((count) => {
      for (let i = 0; i < count; i++) {
        lock.acquireSync();
        lock.release();
      }
    }, milliseconds);
  },
  tried({ of, milliseconds }) {
    const lock = create[of]();
    const options = { timeout: 0 };
    return nanoseconds((count) => {
      for (let i = 0; i < count; i++) {
        lock.acquireSync(options);
        lock.release();
      }
    }, milliseconds);
  },
  awaited({ of, milliseconds }) {
    const lock = create[of]();
    return nanoseconds(async (count) => {
      for (let i = 0; i < count; i++) {
        await lock.acquire();
        lock.release();
      }
    }, milliseconds);
  },
  /** How often in a second, by two processes. */
  async contended({ of, milliseconds }) {
    const [lock, started, ended] = [create[of](), new Semaphore(0), new Event()];
    const start = async () => {
      const process = new Process({ target: otherSide.contend, args: [lock, started, ended] });
      await process.start();
      return process;
    };
    const processes = [await start(), await start()];
    for (let i = 0; i < processes.length; i++) await started.acquire();
    await new Promise((resolve) => setTimeout(resolve, 2 * milliseconds));
    ended.set();
    let rate = 0;
    for (const process of processes) {
      const [count, passed] = await process.result();
      rate += (count / passed) * 1000;
    }
    return rate;
  },
};
