/** The stack of a call, which is put into words only if it is needed. */
export interface CallSite {
  readonly stack?: string;
}

/** To take down a stack costs more than to hand in a task: so many calls in a row have theirs … */
const MOST_SITES = 64;
/** … and after those one in so many milliseconds. */
const INTERVAL = 1;
/** The clock is looked at only by one in so many of the calls that have none. */
const LOOK = 4;

let left = MOST_SITES;
let without = 0;
let taken = 0;

/** Where this is called; undefined in the midst of a great many calls. */
export function callSite(): CallSite | undefined {
  if (left === 0) {
    if (++without < LOOK) return undefined;
    without = 0;
    if (!refill()) return undefined;
  }
  if (left-- === MOST_SITES) taken = performance.now();
  const site = {};
  Error.captureStackTrace(site, callSite);
  return site;
}

/** Whether there are any now. */
function refill(): boolean {
  const now = performance.now();
  const more = Math.min(MOST_SITES, Math.floor((now - taken) / INTERVAL));
  if (more === 0) return false;
  left = more;
  taken = now;
  return true;
}

/** Puts the stack of the call below that of its error, which comes from another process. */
export function addCallSite(error: unknown, site: CallSite | undefined): void {
  if (!(error instanceof Error) || site?.stack === undefined) return;
  const local = site.stack.slice(site.stack.indexOf('\n') + 1);
  if (!local.trimStart().startsWith('at ')) return;
  const stack = `${error.stack ?? String(error)}\n    --- handed in ---\n${local}`;
  Object.defineProperty(error, 'stack', {
    value: stack,
    writable: true,
    configurable: true,
    enumerable: false,
  });
}
