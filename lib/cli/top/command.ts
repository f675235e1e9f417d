import { setTimeout } from 'node:timers/promises';
import { Misuse } from '../misuse';
import { Screen } from './screen';
import { Survey, type Seen } from './survey';
import { view } from './view';

/** How often (ms) may be looked, at most and at least. */
const SHORTEST = 100;
const LONGEST = 3_600_000;

export interface TopOptions {
  readonly json: boolean;
  readonly once: boolean;
  readonly interval: string;
  readonly pid: string | undefined;
}

/** Shows the pools of this user's programs, or of one; the exit code. */
export async function top({ json, once, interval, pid }: TopOptions): Promise<number> {
  const pause = whole('--interval', interval, SHORTEST, LONGEST);
  const only = pid === undefined ? undefined : whole('a pid', pid, 1, 2 ** 31 - 1);
  if (process.platform === 'win32')
    return complain('top needs Unix sockets with modes, which Windows does not have');
  const survey = new Survey(only);
  const first = await survey.look();
  if (only !== undefined && first.length === 0) {
    return complain(
      `process ${only} has no pool that can be seen: it is gone, or another user's; or it has no pool (any more), has not ` +
        'come to its event loop yet, or was started with FORKFUL_TOP=0',
    );
  }
  if (json || once || !process.stdout.isTTY) {
    await setTimeout(pause); // rates are of what happens meanwhile
    process.stdout.write(json ? asJson(await survey.look()) : `${view(await survey.look()).join('\n')}\n`);
    return 0;
  }
  await watch(survey, first, pause);
  return 0;
}

/** Until the user has seen enough. */
async function watch(survey: Survey, first: readonly Seen[], pause: number): Promise<void> {
  const enough = new AbortController();
  const screen = new Screen(() => {
    enough.abort();
  });
  for (let seen = first; ; seen = await survey.look()) {
    screen.show([...view(seen), '', 'q quits']);
    const isEnough = await setTimeout(pause, false, { signal: enough.signal }).catch(() => true);
    if (isEnough) break;
  }
  screen.close();
}

function asJson(seen: readonly Seen[]): string {
  const processes = seen.map(({ silence, ...rest }) => (silence === undefined ? rest : { ...rest, silence }));
  return `${JSON.stringify({ time: new Date().toISOString(), processes }, undefined, 2)}\n`;
}

function whole(what: string, text: string, least: number, most: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value >= least && value <= most) return value;
  throw new Misuse(`${what} must be a whole number from ${least} to ${most}, got '${text}'`);
}

function complain(text: string): number {
  process.stderr.write(`forkful: ${text}\n`);
  return 1;
}
