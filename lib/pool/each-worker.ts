import { invalid, list, record } from '../options';
import type { PoolOptions, PoolSettings } from './options';

/** What one worker has otherwise than its pool's options say. */
export type WorkerOverrides = Pick<PoolOptions, 'env' | 'cwd' | 'execArgv' | 'initargs'>;

const PROCESS = ['env', 'cwd', 'execArgv'] as const;

/** The settings of a worker that is about to be made. @throws what the pool's `eachWorker` throws, or gives that is wrong */
export function settingsOfWorker(
  settings: PoolSettings,
  id: number,
): Pick<PoolSettings, 'process' | 'worker'> {
  const { process, worker, eachWorker } = settings;
  const given = eachWorker?.(id);
  if (given === undefined) return settings;
  const name = 'what Pool option "eachWorker" returns';
  if (typeof given !== 'object' || given === null) throw invalid(name, 'an object or undefined', given);
  const { initargs, ...overrides } = record(name, given, [...PROCESS, 'initargs']);
  const { initializer } = worker;
  return {
    process: {
      ...process,
      ...Object.fromEntries(Object.entries(overrides).filter(([, value]) => value !== undefined)),
    },
    worker:
      initargs === undefined || initializer === undefined
        ? worker
        : { ...worker, initializer: { ...initializer, args: list(`${name}, "initargs",`, initargs) } },
  };
}
