import { spawn } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';

/** Workers that start take this long (ms) to be past their beginning: three that die there in a row break a pool. */
const CHILDHOOD = 30;

/** What is done to the workers. Those that were stopped go on after a while. */
export class Violence {
  deeds = { killed: 0, stopped: 0, starved: 0, resized: 0 };
  #pools;
  #next;
  #most;
  #seen = new Map();
  #hogs = new Set();
  #timers = new Set();

  constructor(pools, next, most) {
    this.#pools = pools;
    this.#next = next;
    this.#most = most;
  }

  act() {
    const next = this.#next;
    const now = performance.now();
    const pool = this.#pools[next(this.#pools.length)];
    const workers = pool.stats().workers.filter(({ pid, state }) => pid > 0 && state !== 'starting');
    for (const { pid } of workers) if (!this.#seen.has(pid)) this.#seen.set(pid, now);
    const grown = workers.filter(({ pid }) => now - this.#seen.get(pid) > CHILDHOOD);
    const busy = grown.filter(({ state }) => state === 'busy');
    const from = busy.length > 0 ? busy : grown;
    const victim = from[next(Math.max(1, from.length))];
    const deed = next(10);
    if (deed < 4) this.#signal(victim, 'SIGKILL', 'killed');
    else if (deed < 7 && this.#signal(victim, 'SIGSTOP', 'stopped'))
      this.#later(next(150), () => this.#signal(victim, 'SIGCONT'));
    else if (deed < 8) this.#starve(20 + next(200));
    else if (deed < 9) {
      pool.resize(1 + next(2 * this.#most));
      this.deeds.resized++;
    }
  }

  #signal(victim, signal, deed) {
    if (victim === undefined) return false;
    try {
      process.kill(victim.pid, signal);
    } catch {
      return false; // it has ended
    }
    if (deed !== undefined) this.deeds[deed]++;
    return true;
  }

  /** Somebody else has the processors for a while. */
  #starve(ms) {
    const hog = spawn(process.execPath, ['-e', 'for (;;);'], { stdio: 'ignore' });
    this.#hogs.add(hog);
    this.deeds.starved++;
    this.#later(ms, () => {
      hog.kill('SIGKILL');
      this.#hogs.delete(hog);
    });
  }

  #later(ms, act) {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      act();
    }, ms);
    this.#timers.add(timer);
  }

  async end() {
    while (this.#timers.size > 0) await sleep(10);
  }
}
