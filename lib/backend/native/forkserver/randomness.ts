import { randomBytes, randomInt, randomUUID } from 'node:crypto';
import { syncBuiltinESMExports } from 'node:module';
import { setFlagsFromString } from 'node:v8';
import vm, { type CreateContextOptions, type RunningScriptInNewContextOptions } from 'node:vm';

/** What Node draws ahead: UUIDs, and integers of 6 bytes from a cache of 6 KiB. */
const CACHED_UUIDS = 128;
const CACHED_INTEGERS = 1024;
const SEEDS = 2 ** 31 - 1;

/**
 * Leaves nothing of what was drawn ahead, if nothing else draws: the caches are full as long as nobody has drawn, and
 * empty after each of these rounds. Where somebody may have drawn, what is left afterwards is at least new.
 */
export function exhaustCaches(): void {
  for (let i = 0; i < CACHED_UUIDS; i++) randomUUID();
  for (let i = 0; i < CACHED_INTEGERS; i++) randomInt(2);
}

/**
 * Siblings are copies: what was drawn ahead before the fork all of them would use. Called before anything of the
 * user's is loaded; the result is called in each child, with a number of its own, and whether others than
 * {@link exhaustCaches} may have drawn from Node's caches.
 *
 * `Math.random` draws from a state of its context, which is seeded at its first call: a context that is not used before
 * the fork gives each child a stream of its own. References taken from `Math.random` before keep the old one.
 */
export function prepareRandomness(): (serial: number, othersMayHaveDrawn: boolean) => void {
  const random = vm.runInNewContext('Math.random') as typeof Math.random;
  const first = freshSeed();
  seedNewContexts();
  return (serial, othersMayHaveDrawn) => {
    withSeed((first + serial) % SEEDS, random);
    Math.random = random;
    if (othersMayHaveDrawn) exhaustCaches();
  };
}

export function freshSeed(): number {
  return randomBytes(4).readUInt32LE() % SEEDS;
}

/** V8 seeds a context from this flag; without it, from a generator that siblings share. Other threads have their own. */
export function withSeed(seed: number, draw: () => unknown): void {
  setFlagsFromString(`--random-seed=${seed + 1}`); // 0 would mean: none
  draw();
  setFlagsFromString('--random-seed=0');
}

let isSeeding = false;

/** From now on; a fork does not change that. */
export function seedNewContexts(): void {
  if (isSeeding) return;
  isSeeding = true;
  const { createContext } = vm;
  const create: typeof vm.createContext = (object, options) => {
    const isNew = typeof object !== 'object' || !vm.isContext(object);
    const context = createContext(object, options);
    if (isNew) withSeed(freshSeed(), () => vm.runInContext(DRAW, context));
    return context;
  };
  vm.createContext = create;
  vm.runInNewContext = (code, object, options) =>
    vm.runInContext(code, create(object, contextOptions(options)), options) as unknown;
  vm.Script.prototype.runInNewContext = function (object, options) {
    return this.runInContext(create(object, contextOptions(options)), options) as unknown;
  };
  syncBuiltinESMExports();
}

/** The context may have no Math, or one of its own. */
const DRAW = 'try { Math.random() } catch {}';

function contextOptions(
  options: RunningScriptInNewContextOptions | string | undefined,
): CreateContextOptions {
  if (typeof options !== 'object' || (options as unknown) === null) return {};
  const { contextName, contextOrigin, contextCodeGeneration, microtaskMode } = options;
  return {
    ...(contextName !== undefined && { name: contextName }),
    ...(contextOrigin !== undefined && { origin: contextOrigin }),
    ...(contextCodeGeneration !== undefined && { codeGeneration: contextCodeGeneration }),
    ...(microtaskMode !== undefined && { microtaskMode }),
  };
}
