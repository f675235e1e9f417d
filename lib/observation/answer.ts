import type { PoolStats } from '../pool/stats';

/** What a thread of a program tells of its pools to whoever connects to its socket: this as JSON, then the end. */
export interface Answer {
  /** Of this format. */
  readonly version: typeof VERSION;
  readonly pid: number;
  /** 0: the main thread. */
  readonly thread: number;
  /** Its command line. */
  readonly program: string;
  /** Milliseconds that it has run. */
  readonly uptime: number;
  /** Bytes of resident memory. */
  readonly memory: number;
  readonly pools: readonly ObservedPool[];
}

export interface ObservedPool extends PoolStats {
  /** Which of the program's pools it is. */
  readonly id: number;
}

export const VERSION = 1;
