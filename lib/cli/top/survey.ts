import type { Answer, ObservedPool } from '../../observation/answer';
import { removeIfAbandoned, socketFiles, type SocketFile } from '../../observation/sockets';
import { ask } from './ask';

/** A pool, and how much it gets done. */
export interface SeenPool extends ObservedPool {
  /** Outcomes a second, since it was looked at before; since it was made if it was not. */
  readonly tasksPerSecond: number;
}

/** A thread of a program that has pools. */
export interface Seen extends Pick<Answer, 'pid' | 'thread' | 'program' | 'uptime' | 'memory'> {
  /** Why it does not answer. */
  readonly silence: string | undefined;
  readonly pools: readonly SeenPool[];
}

const SILENCE = {
  silent: 'does not answer: its event loop is busy, or it is stopped',
  foreign: 'speaks the language of another version of forkful',
} as const;

interface Count {
  readonly outcomes: number;
  readonly time: number;
}

/** Looks again and again at all programs of this user, or at one. */
export class Survey {
  readonly #pid: number | undefined;
  /** By socket and pool. */
  #before = new Map<string, Count>();

  constructor(pid: number | undefined) {
    this.#pid = pid;
  }

  async look(): Promise<Seen[]> {
    const counts = new Map<string, Count>();
    const files = socketFiles().filter(({ pid }) => this.#pid === undefined || this.#pid === pid);
    const seen = await Promise.all(files.map((file) => this.#lookAt(file, counts)));
    this.#before = counts;
    return seen.flat().sort((a, b) => a.pid - b.pid || a.thread - b.thread);
  }

  async #lookAt(file: SocketFile, counts: Map<string, Count>): Promise<Seen[]> {
    const reply = await ask(file);
    if (reply === 'refused') removeIfAbandoned(file);
    if (reply === 'refused' || reply === 'gone') return [];
    if (typeof reply === 'string') {
      const silence = SILENCE[reply];
      return [{ pid: file.pid, thread: 0, program: '', uptime: 0, memory: 0, silence, pools: [] }];
    }
    const time = performance.now();
    const { pid, thread, program, uptime, memory } = reply;
    const pools = reply.pools.map((pool) => {
      const key = `${file.path} ${pool.id}`;
      const outcomes = pool.succeeded + pool.failed;
      const before = this.#before.get(key) ?? { outcomes: 0, time: time - uptime };
      counts.set(key, { outcomes, time });
      const seconds = (time - before.time) / 1000;
      const tasksPerSecond = seconds > 0 ? Math.round((10 * (outcomes - before.outcomes)) / seconds) / 10 : 0;
      return { ...pool, tasksPerSecond };
    });
    return [{ pid, thread, program, uptime, memory, silence: undefined, pools }];
  }
}
