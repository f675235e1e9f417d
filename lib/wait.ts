import { backend } from './backend';
import { invalid, list, timeoutOption, waitOptions, type SyncWaitOptions, type WaitOptions } from './options';
import { READINESS, type Waitable } from './readiness';
import { within } from './within';

/**
 * Waits until at least one of the objects is ready, and takes nothing: a connection or queue from which something can be
 * received, or never will be; the `sentinel` of a process that has ended.
 * @returns those that are ready, in the order given; none after `timeout` ms
 * @throws ClosedError if one of them was closed in this process, also meanwhile
 */
export async function wait<W extends Waitable>(objects: readonly W[], options?: WaitOptions): Promise<W[]> {
  checkWaitables('wait', objects);
  const { timeout, signal } = waitOptions('wait', options);
  signal?.throwIfAborted();
  const ready = readyNow(objects);
  if (ready.length > 0 || objects.length === 0 || timeout <= 0) return ready;
  return within<W[]>(
    { timeout, signal },
    () => [],
    (resolve, reject) =>
      whenAnyReady(objects, (found) => {
        queueMicrotask(() => {
          if ('error' in found) reject(found.error);
          else resolve(found.ready);
        });
      }),
  );
}

/** Like {@link wait}, and blocks the thread meanwhile. */
export function waitSync<W extends Waitable>(objects: readonly W[], options?: SyncWaitOptions): W[] {
  checkWaitables('waitSync', objects);
  const timeout = timeoutOption('waitSync', options);
  const ready = readyNow(objects);
  if (ready.length > 0 || objects.length === 0 || timeout <= 0) return ready;
  const outcomes: Outcome<W>[] = [];
  const callOff = whenAnyReady(objects, (found) => outcomes.push(found));
  backend.runUntil(() => outcomes.length > 0, timeout);
  callOff();
  const [found] = outcomes;
  if (found === undefined) return [];
  if ('error' in found) throw found.error;
  return found.ready;
}

type Outcome<W> = { readonly ready: W[] } | { readonly error: unknown };

function filterReady<W extends Waitable>(objects: readonly W[]): W[] {
  return objects.filter((object) => object[READINESS]().readable());
}

/** Having looked for news once. */
function readyNow<W extends Waitable>(objects: readonly W[]): W[] {
  let ready: W[] = [];
  backend.runUntil(() => (ready = filterReady(objects)).length > 0, 0);
  return ready;
}

/** Tells once, maybe at once, which are ready. Returns what calls it off. */
function whenAnyReady<W extends Waitable>(
  objects: readonly W[],
  tell: (outcome: Outcome<W>) => void,
): () => void {
  const vigil = new Vigil(objects, tell);
  for (const object of objects) if (!vigil.isOver) vigil.watch(object);
  return () => {
    vigil.end();
  };
}

class Vigil<W extends Waitable> {
  readonly #objects: readonly W[];
  readonly #tell: (outcome: Outcome<W>) => void;
  readonly #callOffs = new Map<object, () => void>();
  #over = false;

  constructor(objects: readonly W[], tell: (outcome: Outcome<W>) => void) {
    this.#objects = objects;
    this.#tell = tell;
  }

  get isOver(): boolean {
    return this.#over;
  }

  watch(object: W): void {
    const state = { called: false };
    const callOff = object[READINESS]().whenReadable(() => {
      state.called = true;
      this.#callOffs.delete(state);
      this.#look(object);
    });
    if (this.#over) callOff();
    else if (!state.called) this.#callOffs.set(state, callOff);
  }

  end(): void {
    this.#over = true;
    for (const callOff of this.#callOffs.values()) callOff();
    this.#callOffs.clear();
  }

  #look(object: W): void {
    if (this.#over) return;
    let outcome: Outcome<W>;
    try {
      outcome = { ready: filterReady(this.#objects) };
    } catch (error) {
      outcome = { error };
    }
    if ('ready' in outcome && outcome.ready.length === 0) {
      this.watch(object); // somebody else was faster
      return;
    }
    this.end();
    this.#tell(outcome);
  }
}

function checkWaitables(call: string, objects: unknown): void {
  list(`${call} argument "objects"`, objects).forEach((object, i) => {
    if (typeof (object as Partial<Waitable> | null | undefined)?.[READINESS] === 'function') return;
    const expected = "a connection, a queue or a process's sentinel";
    throw invalid(`${call} argument "objects[${i}]"`, expected, object);
  });
}
