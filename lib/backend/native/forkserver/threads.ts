import { execFileSync } from 'node:child_process';
import { stat } from 'node:fs/promises';
import { addon } from '../addon';

/** What runs before the main module, and may start threads: those would pass for Node's own. */
const EARLY = /^(-r|--require|--import|--loader|--experimental-loader)(=|$)/;

const COUNT = "fs.stat('/', () => console.log(fs.readdirSync('/proc/self/task').length))";

/** Whether anything of the user's was loaded before the main module. */
export function somethingRanBefore(): boolean {
  const options = [...process.execArgv, ...(process.env['NODE_OPTIONS'] ?? '').split(/\s+/)];
  return options.some((option) => EARLY.test(option));
}

/** How many threads Node itself has, with its thread pool. Called before anything of the user's is loaded. */
export async function ownThreads(): Promise<number> {
  await stat('/'); // starts the whole pool
  if (!somethingRanBefore()) return addon.threadCount();
  const env = { ...process.env, NODE_OPTIONS: '' };
  return Number(
    execFileSync(process.execPath, ['--single-threaded', '-e', COUNT], { env, encoding: 'utf8' }),
  );
}

/**
 * Why this process must not be forked; '' if it may. Threads do not survive a fork: whoever needs one that is not Node's
 * own would wait for it for ever.
 * @param loaded what may have started threads, for the error
 */
export function census(own: number, loaded: string): string {
  const more = addon.threadCount() - own;
  if (more === 0) return '';
  return (
    `${more} threads are running that Node itself did not start, and a forked child would not have them; ` +
    `loaders (module.register), worker threads and some native modules start them; loaded: ${loaded}`
  );
}
