// As synckit 0.12 declares them.
import type { Transferable } from 'node:worker_threads';
import type { TsRunner } from './constants';

export type AnyFn<R = any, T extends any[] = any[]> = (...args: T) => R;
export type Syncify<T extends AnyFn> = (...args: Parameters<T>) => Awaited<ReturnType<T>>;
export type ValueOf<T> = T[keyof T];

/** What a worker finds among its globals. */
export interface GlobalShim {
  moduleName: string;
  /** Under which name; without one, the module is just loaded. */
  globalName?: string;
  /** Which export; null: all of them in one object. @default 'default' */
  named?: string | null;
  /** Only if there is none of that name. @default true */
  conditional?: boolean;
}

export interface SynckitOptions {
  execArgv?: string[];
  globalShims?: GlobalShim[] | boolean;
  /** Milliseconds. @default process.env.SYNCKIT_TIMEOUT, or for ever */
  timeout?: number;
  /** Without effect: what is sent to a process is copied, and stays usable here. */
  transferList?: Transferable[];
  tsRunner?: TsRunner;
}
