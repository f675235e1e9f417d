import { constants } from 'node:os';
import type { Child } from './backend/backend';
import { whenForked } from './forked';

const { SIGTERM, SIGKILL } = constants.signals;
/** How long (ms) a child may take to end after SIGTERM. */
const GRACE = 1000;

interface Running {
  readonly child: Child<unknown>;
  readonly daemon: boolean;
  readonly detached: boolean;
}

const running = new Set<Running>();
let installed = false;
let ending = false;

whenForked(() => {
  running.clear(); // they are the parent's
  installed = false;
  ending = false;
});

/** Whether the event loop has ended once, so that it now runs only until the children have ended. */
export function isEnding(): boolean {
  return ending;
}

/** Counts a child among those that this process's end concerns, until it has ended. */
export function track(child: Child<unknown>, daemon: boolean, detached: boolean): void {
  const entry: Running = { child, daemon, detached };
  running.add(entry);
  child.onExit(() => running.delete(entry));
  if (ending && !detached) child.hold(true);
  if (installed) return;
  installed = true;
  process.on('beforeExit', onLoopEnd);
  process.on('exit', killAll);
}

// The event loop has ended: daemonic children are asked to end, and all are waited for, by holding the loop.
function onLoopEnd(): void {
  ending = true;
  for (const { child, daemon, detached } of running) {
    if (detached) continue;
    child.hold(true);
    if (daemon) endSoon(child);
  }
}

/** SIGTERM, and SIGKILL if the child has not ended a moment later; on Windows it has. */
export function endSoon(child: Child<unknown>): void {
  child.kill(SIGTERM);
  const timer = setTimeout(() => child.kill(SIGKILL), GRACE);
  child.onExit(() => {
    clearTimeout(timer);
  });
}

// process.exit() or an uncaught error. Children notice the end of their parent by themselves too, a moment later.
function killAll(): void {
  for (const { child, detached } of running) if (!detached) child.kill(SIGKILL);
}
