import type { Child } from './backend/backend';

const SIGTERM = 15;
const SIGKILL = 9;
/** How long (ms) a daemonic child may take to end after SIGTERM when this process wants to end. */
const GRACE = 1000;

interface Running {
  readonly child: Child<unknown>;
  readonly daemon: boolean;
  readonly detached: boolean;
}

const running = new Set<Running>();
let installed = false;

/** Counts a child among those that this process's end concerns, until it has ended. */
export function track(child: Child<unknown>, daemon: boolean, detached: boolean): void {
  const entry: Running = { child, daemon, detached };
  running.add(entry);
  child.onExit(() => running.delete(entry));
  // What is not daemonic is waited for, simply by keeping the event loop alive.
  if (!daemon && !detached) child.hold(true);
  if (installed) return;
  installed = true;
  process.on('beforeExit', endDaemons);
  process.on('exit', killAll);
}

// The event loop has ended: only daemonic children are left, if any. Holding them lets it end when they have.
function endDaemons(): void {
  for (const { child, daemon, detached } of running) {
    if (!daemon || detached) continue;
    child.kill(SIGTERM);
    child.hold(true);
    const timer = setTimeout(() => child.kill(SIGKILL), GRACE);
    child.onExit(() => {
      clearTimeout(timer);
    });
  }
}

// process.exit() or an uncaught error. The kernel would do the same by the life pipe, a moment later.
function killAll(): void {
  for (const { child, detached } of running) if (!detached) child.kill(SIGKILL);
}
