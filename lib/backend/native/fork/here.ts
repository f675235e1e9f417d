import { AsyncResource } from 'node:async_hooks';
import { getSystemErrorName } from 'node:util';
import { setImmediate } from 'node:timers/promises';
import { debug } from '../../../debug';
import { UnsupportedError } from '../../../errors';
import { partFromParent, whenForked } from '../../../forked';
import { NOTHING, type Decode, type ForkedBody, type Upstream } from '../../backend';
import { launchError, systemError } from '../../surroundings';
import { addon, type ForkDescription } from '../addon';
import { reap, type Birth } from '../birth';
import { NativeDuplex } from '../duplex';
import { inheritedSockets } from '../inherited-sockets';
import { leaveNatively } from '../leave';
import { lifeReadEnd } from '../life';
import { reactor } from '../reactor';
import { surround } from '../surround';
import { upstreamOver } from '../upstream';
import { forkObstacle } from './obstacle';
import { flushed, isUnflushed } from './output';
import { reseed } from './randomness';
import { foreignThreads } from './threads';

/** Those that wait for their fork. */
const waiting = new Set<Birth<never>>();

whenForked(() => {
  for (const birth of waiting) birth.closeTheirs();
  waiting.clear();
});

/** Listeners that speak of the parent's end, or of a channel to somebody of the parent's. */
const PARENTS_EVENTS = ['exit', 'beforeExit', 'disconnect', 'message'];

/** Clones this process for a child, as soon as its event loop comes round: from a blocked thread nothing is forked. */
export async function forkHere(birth: Birth<never>, body: ForkedBody): Promise<void> {
  waiting.add(birth);
  reactor.hold(1);
  try {
    const obstacle = forkObstacle() ?? foreignThreads();
    if (obstacle !== '') throw new UnsupportedError(refusal(obstacle));
    birth.checkDirectory();
    if (birth.request.shares.length > 0 || birth.request.message.length > 0) birth.order();
    await body.before();
    await flushed();
  } catch (error) {
    give(birth, launchError(error));
    return;
  }
  request(birth, body);
}

function request(birth: Birth<never>, body: ForkedBody): void {
  const life = birth.request.detached ? -1 : lifeReadEnd();
  // What the child does belongs to the asynchronous context of the call that starts it.
  const act = AsyncResource.bind((pid: number, other: number) => {
    if (pid === 0) void become(birth, body, life, other);
    else adopt(birth, body, pid, other);
  });
  addon.forkSoon(() => {
    if (!isUnflushed()) return describe(birth);
    void flushed().then(() => {
      request(birth, body);
    });
    return undefined;
  }, act);
}

function describe(birth: Birth<never>): ForkDescription | undefined {
  const obstacle = foreignThreads(); // a hook may have started some
  if (obstacle !== '') {
    give(birth, new UnsupportedError(refusal(obstacle)));
    return undefined;
  }
  const [, out, err] = birth.standard;
  return { out, err, newSession: birth.request.detached, keep: [...inheritedSockets] };
}

function refusal(obstacle: string): string {
  return `the start method 'fork' cannot be used: ${obstacle}; or use 'forkserver' or 'spawn'`;
}

function give(birth: Birth<never>, error: unknown): void {
  waiting.delete(birth);
  birth.fail(error);
  reactor.hold(-1);
}

function adopt(birth: Birth<never>, body: ForkedBody, pid: number, pidfd: number): void {
  if (pid < 0) {
    give(birth, launchError(systemError('fork', getSystemErrorName(pid))));
    return;
  }
  debug(`forked ${pid}`);
  waiting.delete(birth);
  birth.closeTheirs();
  birth.child.started(pid, pidfd, () => reap(pid));
  reactor.hold(-1);
  body.inParent();
}

/** The child's way: it never returns to what the parent was about. */
async function become(
  birth: Birth<never>,
  body: ForkedBody,
  life: number,
  deadSockets: number,
): Promise<void> {
  waiting.delete(birth);
  const setLink = leaveNatively();
  Object.defineProperty(process, 'pid', { value: addon.pid() });
  for (const event of PARENTS_EVENTS) process.removeAllListeners(event);
  process.exitCode = undefined;
  partFromParent();
  const descriptors = addon.duplicate(birth.theirs.share().descriptors);
  birth.closeTheirs();
  setLink(descriptors[3] ?? -1);
  // Now, and not when orders say so: nothing of the user's has run yet that could hang.
  if (life >= 0) {
    addon.dieWithPipe(life);
    addon.closeDescriptors([life]);
  }
  reseed();
  surround({ env: Object.fromEntries(birth.env), cwd: birth.request.cwd === undefined ? '' : birth.cwd });
  // Handles of connections that are closed now are told so in two turns of the loop: before somebody uses them.
  if (deadSockets > 0) {
    await setImmediate();
    await setImmediate();
  }
  await body.inChild(<T>(decode: Decode<T>): Upstream<T> => {
    const link = new NativeDuplex<T>(descriptors, 1, decode);
    const upstream = upstreamOver(link, life, () => {
      const orders = link.tryReceive();
      if (orders === NOTHING) throw new Error('forkful: a forked child has no orders');
      return orders;
    });
    return { ...upstream, dieWithParent: () => undefined };
  });
  await end();
}

/**
 * A target that has settled ends its process: the parent's timers and servers are here too, and would keep the event loop
 * alive for ever. This library's own operations (messages that wait for room, children) are waited for.
 */
async function end(): Promise<never> {
  await reactor.idle();
  await setImmediate(); // what is due by now, such as the callbacks of writes
  await flushed();
  process.emit('beforeExit', Number(process.exitCode ?? 0));
  await reactor.idle();
  await flushed();
  return process.exit();
}
