import { basename } from 'node:path';
import { isMainThread } from 'node:worker_threads';
import { addon } from '../addon';
import { flagObstacle } from '../forkserver/obstacle';

const FLAG = '--single-threaded';

/** As it was when the library was loaded: in a forkserver's children execArgv tells what the program's has. */
const isSingleThreaded = process.execArgv.includes(FLAG);

/** Why this program cannot fork itself, as far as that can be known before it is tried; undefined if it can. */
export function forkObstacle(): string | undefined {
  if (!isMainThread) return 'only the main thread of a program can be forked, and this is a worker thread';
  if (!isSingleThreaded) {
    return (
      `V8 must have been told from the start that it has one thread (NODE_OPTIONS cannot tell it so); run the program ` +
      `like this: ${commandLine()}`
    );
  }
  return flagObstacle ?? (addon.platformProblem() || undefined);
}

/** What to type, from what was typed. */
function commandLine(): string {
  const [, main, ...rest] = process.argv;
  const words = [basename(process.execPath), FLAG, ...process.execArgv];
  if (main !== undefined) words.push(main, ...rest);
  return words.map(quoted).join(' ');
}

function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`;
}
