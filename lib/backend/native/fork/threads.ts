import type * as ChildProcess from 'node:child_process';
import { createRequire } from 'node:module';
import { whenForked } from '../../../forked';
import { addon } from '../addon';

/** Before and after libuv has started its pool. */
const COUNTS =
  "const count = () => fs.readdirSync('/proc/self/task').length; const before = count(); " +
  "fs.stat('/', () => console.log(before, count()))";

/** How many threads Node itself has without and with its pool. */
let own: readonly [boot: number, pool: number] | undefined;

let isForked = false;

/** In a forked process: no thread survives a fork but the one that forked. */
export function beginAlone(): void {
  if (!isForked && own !== undefined) own = [1, 1 + own[1] - own[0]];
  isForked = true;
}

whenForked(beginAlone);

function ask(): readonly [number, number] {
  // Not loaded with the library: it costs every program some milliseconds, and is needed once in those that fork.
  const { execFileSync } = createRequire(__filename)('node:child_process') as typeof ChildProcess;
  const text = execFileSync(process.execPath, ['--single-threaded', ...sizes(), '-e', COUNTS], {
    env: { ...process.env, NODE_OPTIONS: '' },
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const [boot = 0, all = 0] = text.split(' ').map(Number);
  return isForked ? [1, 1 + all - boot] : [boot, all];
}

/** The arguments that say how many threads Node starts. */
function sizes(): string[] {
  return process.execArgv.filter((argument) => /^--(v8-pool-size=|disable-sigusr1)/.test(argument));
}

/**
 * Why this process must not be forked as it is now; '' if it may. Threads do not survive a fork: whoever needs one that is
 * not Node's own would wait for it for ever, and what it held at that moment stays locked.
 */
export function foreignThreads(): string {
  own ??= ask();
  const [boot, all] = own;
  const now = addon.threadCount();
  if (now <= boot || now === all) return '';
  const more = now > all ? now - all : now - boot;
  return (
    `${more === 1 ? 'a thread is' : `${more} threads are`} running that Node itself did not start, and a forked child would not ` +
    'have; worker threads, loaders (module.register), the inspector and some native modules start them'
  );
}
