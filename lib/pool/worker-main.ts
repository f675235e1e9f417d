import { setImmediate } from 'node:timers/promises';
import { NOTHING, type Duplex, type Wait } from '../backend/backend';
import { whileImporting } from '../current';
import { EndOfFileError, SerializationError } from '../errors';
import { instantiate, load, type Callable, type TargetReference } from '../function-ref';
import { decodeControl } from './control';
import { beWorker, nowRuns, type Running } from './current-task';
import {
  Flag,
  Kind,
  decodeOrder,
  encodeError,
  encodeResult,
  encodeReturned,
  encodeStarted,
  type Order,
  type TaskMessage,
  type WorkerLink,
} from './protocol';
import { StopRequests } from './stop-requests';

/** How long (ms) synchronous tasks may follow each other before timers and I/O get their turn. */
const TURN = 5;

const NO_BYTES = new Uint8Array(0);

export interface Initializer {
  readonly reference: TargetReference;
  readonly args: readonly unknown[];
}

/** What a worker is told at its start. */
export interface WorkerSettings {
  readonly id: number;
  readonly initializer: Initializer | undefined;
}

/** A function that tasks name: not loaded yet, loading, or what came of it. */
interface Known {
  readonly reference: TargetReference;
  call: Callable | undefined;
  loading: Promise<void> | undefined;
  error: unknown;
}

async function callable(reference: TargetReference): Promise<Callable> {
  const loaded = await whileImporting(() => load(reference));
  if ('call' in loaded) return loaded.call;
  const object = instantiate(loaded.Class, loaded.fields);
  return (...args) => object.run(...args);
}

/** The target of a pool's workers: runs what comes, one task after the other, until the pool closes the link. */
export async function runWorker(
  link: WorkerLink,
  control: WorkerLink,
  settings: WorkerSettings,
): Promise<void> {
  // Ctrl-C in a terminal reaches every process of the group; the pool's owner decides what it means.
  process.on('SIGINT', () => undefined);
  const duplex = link.open(decodeOrder);
  const requests = new StopRequests(control.open(decodeControl));
  beWorker({ requests, workerId: settings.id });
  const { initializer } = settings;
  if (initializer !== undefined) {
    duplex.sendSync(Kind.Initializing, NO_BYTES, 0, Infinity);
    try {
      await (
        await callable(initializer.reference)
      )(...initializer.args);
    } catch (error) {
      const { buffer, length } = encodeError(error);
      duplex.sendSync(Kind.InitializerFailed, buffer, length, Infinity);
      process.exit(1);
    }
  }
  duplex.sendSync(Kind.Ready, NO_BYTES, 0, Infinity);
  await new Worker(duplex, requests).run();
  // What tasks left behind (timers, servers) does not keep a worker alive.
  process.exit();
}

class Worker {
  readonly #duplex: Duplex<Order>;
  readonly #requests: StopRequests;
  readonly #functions = new Map<number, Known>();
  #turnEnds = 0;

  constructor(duplex: Duplex<Order>, requests: StopRequests) {
    this.#duplex = duplex;
    this.#requests = requests;
  }

  async run(): Promise<void> {
    const wait: Wait = {
      timeout: Infinity,
      signal: undefined,
      timedOut: () => new Error(),
      owner: this.#duplex,
    };
    this.#turnBegins();
    for (;;) {
      let order: Order | typeof NOTHING;
      try {
        order = this.#duplex.tryReceive();
        if (order === NOTHING) {
          order = await this.#duplex.receive(wait);
          this.#turnBegins();
        }
      } catch (error) {
        if (error instanceof EndOfFileError) return;
        throw error;
      }
      if (order.kind === 'define') {
        // Loaded by the first task: what that takes is within the task's time.
        const { id, reference } = order;
        this.#functions.set(id, { reference, call: undefined, loading: undefined, error: undefined });
      } else {
        const rest = this.#take(order);
        if (rest !== undefined) await rest;
      }
      if (performance.now() > this.#turnEnds) await this.#giveTurn();
    }
  }

  #turnBegins(): void {
    this.#turnEnds = performance.now() + TURN;
  }

  async #giveTurn(): Promise<void> {
    await setImmediate();
    this.#turnBegins();
  }

  /** A promise only if something has to be waited for. */
  #take(order: TaskMessage): Promise<void> | undefined {
    const known = this.#functions.get(order.fn);
    if (known === undefined) {
      this.#giveBack(order, order.skip);
      return undefined;
    }
    if (order.flags & Flag.TellStart) {
      const { buffer, length } = encodeStarted(order.id);
      this.#duplex.sendSync(Kind.Started, buffer, length, Infinity);
    }
    if (known.call !== undefined) return this.#perform(known, order, order.skip);
    return this.#loadAndPerform(known, order);
  }

  async #loadAndPerform(known: Known, order: TaskMessage): Promise<void> {
    known.loading ??= callable(known.reference).then(
      (call) => {
        known.call = call;
      },
      (error: unknown) => {
        known.error = error;
      },
    );
    await known.loading;
    await this.#perform(known, order, order.skip);
  }

  /** Runs items from `first` on. */
  #perform(known: Known, order: TaskMessage, first: number): Promise<void> | undefined {
    const { call, error } = known;
    const { id, flags, items } = order;
    const running: Running = { order, item: first, made: undefined };
    nowRuns(running);
    for (let i = first; i < items.length; i++) {
      if (i > first) {
        if (this.#isOver(order, i)) break;
        if (performance.now() > this.#turnEnds) return this.#performLater(known, order, i);
      }
      if (call === undefined) {
        this.#report(id, i, false, error);
        continue;
      }
      running.item = i;
      running.made = undefined;
      let value: unknown;
      try {
        const item = items[i];
        value = flags & Flag.Spread ? call(...(item as readonly unknown[])) : call(item);
        if (isThenable(value)) return this.#settle(known, order, i, value);
      } catch (thrown) {
        this.#report(id, i, false, thrown);
        continue;
      }
      this.#report(id, i, true, value);
    }
    nowRuns(undefined);
    if (!this.#requests.isEmpty) this.#requests.forget(id);
    return undefined;
  }

  async #performLater(known: Known, order: TaskMessage, next: number): Promise<void> {
    await this.#giveTurn();
    if (!this.#isOver(order, next)) await this.#perform(known, order, next);
  }

  async #settle(known: Known, order: TaskMessage, index: number, value: PromiseLike<unknown>): Promise<void> {
    try {
      this.#report(order.id, index, true, await value);
    } catch (error) {
      this.#report(order.id, index, false, error);
    }
    if (index + 1 < order.items.length && this.#isOver(order, index + 1)) return;
    await this.#perform(known, order, index + 1);
  }

  /** Whether nobody wants the rest of the task; then it is given back. */
  #isOver(order: TaskMessage, next: number): boolean {
    if (this.#requests.isEmpty || !this.#requests.concernsAll(order.id)) return false;
    this.#requests.forget(order.id);
    this.#giveBack(order, next);
    return true;
  }

  #giveBack(order: TaskMessage, next: number): void {
    const { buffer, length } = encodeReturned(order, next);
    this.#duplex.sendSync(Kind.Returned, buffer, length, Infinity);
  }

  #report(id: number, index: number, ok: boolean, value: unknown): void {
    let message;
    try {
      message = encodeResult(id, index, ok, value);
    } catch (error) {
      if (!(error instanceof SerializationError)) throw error;
      message = encodeResult(id, index, false, error);
    }
    const { tag, buffer, length, shares } = message;
    this.#duplex.sendSync(tag, buffer, length, Infinity, shares);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
