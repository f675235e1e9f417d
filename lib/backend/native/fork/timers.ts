import { forkGeneration } from '../../../forked';

const ACT = Symbol('act');
const SET_IN = Symbol('set in');

interface Timer {
  [ACT]?: unknown;
  [SET_IN]?: number;
  _repeat?: number | null;
  hasRef(): boolean;
}

interface TimerPrototype extends Timer {
  refresh?(): unknown;
}

/**
 * A forked child has its parent's timers and immediates, and would go on with what the parent waits for by them: after an
 * `await sleep(10)` the rest of the program would run in both. So they do nothing in a process that has not set them, but
 * for timers that do not hold the event loop (`unref`): those are housekeeping, such as Node's own of its caches. Set before
 * this is called, they do run.
 *
 * Node keeps the callback in a property that it sets by assignment; an accessor on the prototype is asked for it.
 */
export function tieTimers(): void {
  const timer = setTimeout(() => undefined, 0);
  const immediate = setImmediate(() => undefined);
  clearTimeout(timer);
  clearImmediate(immediate);
  const timers = Object.getPrototypeOf(timer) as TimerPrototype;
  if (Object.hasOwn(timers, '_onTimeout')) return; // by another copy of this library
  tie(timers, '_onTimeout', (stale) => stale.hasRef());
  tie(Object.getPrototypeOf(immediate) as Timer, '_onImmediate', () => true);
  const refresh = Reflect.get(timers, 'refresh') as (this: Timer) => unknown;
  timers.refresh = function (this: Timer) {
    if (this[SET_IN] !== undefined) this[SET_IN] = forkGeneration();
    return refresh.call(this);
  };
}

function nothing(this: Timer): void {
  this._repeat = null;
}

function tie(prototype: Timer, property: string, isParents: (stale: Timer) => boolean): void {
  Object.defineProperty(prototype, property, {
    configurable: true,
    get(this: Timer) {
      const act = this[ACT];
      const isStale = typeof act === 'function' && this[SET_IN] !== forkGeneration();
      return isStale && isParents(this) ? nothing : act;
    },
    set(this: Timer, act: unknown) {
      this[ACT] = act;
      this[SET_IN] = forkGeneration();
    },
  });
}
