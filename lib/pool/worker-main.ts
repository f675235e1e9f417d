import { setImmediate } from 'node:timers/promises';
import { NOTHING, type Duplex, type Wait } from '../backend/backend';
import { whileImporting } from '../current';
import { EndOfFileError, SerializationError } from '../errors';
import { instantiate, load, type Callable, type TargetReference } from '../function-ref';
import {
  Kind,
  decodeOrder,
  encodeError,
  encodeResult,
  encodeTask,
  type Order,
  type TaskMessage,
  type WorkerLink,
} from './protocol';

/** How long (ms) synchronous tasks may follow each other before timers and I/O get their turn. */
const TURN = 5;

export interface Initializer {
  readonly reference: TargetReference;
  readonly args: readonly unknown[];
}

async function callable(reference: TargetReference): Promise<Callable> {
  const loaded = await whileImporting(() => load(reference));
  if ('call' in loaded) return loaded.call;
  const object = instantiate(loaded.Class, loaded.fields);
  return (...args) => object.run(...args);
}

/** The target of a pool's workers: runs what comes, one task after the other, until the pool closes the link. */
export async function runWorker(link: WorkerLink, initializer: Initializer | undefined): Promise<void> {
  // Ctrl-C in a terminal reaches every process of the group; the pool's owner decides what it means.
  process.on('SIGINT', () => undefined);
  const duplex = link.open(decodeOrder);
  if (initializer !== undefined) {
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
  duplex.sendSync(Kind.Ready, new Uint8Array(0), 0, Infinity);
  await new Worker(duplex).run();
  // What tasks left behind (timers, servers) does not keep a worker alive.
  process.exit();
}

class Worker {
  readonly #duplex: Duplex<Order>;
  readonly #functions = new Map<number, Callable | { readonly error: unknown }>();

  constructor(duplex: Duplex<Order>) {
    this.#duplex = duplex;
  }

  async run(): Promise<void> {
    const wait: Wait = {
      timeout: Infinity,
      signal: undefined,
      timedOut: () => new Error(),
      owner: this.#duplex,
    };
    let turnEnds = performance.now() + TURN;
    for (;;) {
      let order: Order | typeof NOTHING;
      try {
        order = this.#duplex.tryReceive();
        if (order === NOTHING) {
          order = await this.#duplex.receive(wait);
          turnEnds = performance.now() + TURN;
        }
      } catch (error) {
        if (error instanceof EndOfFileError) return;
        throw error;
      }
      if (order.kind === 'define') {
        await this.#define(order.id, order.reference);
      } else if (!this.#functions.has(order.fn)) {
        const { buffer, length } = encodeTask(order.id, order.fn, order.spread, order.items);
        this.#duplex.sendSync(Kind.Returned, buffer, length, Infinity);
      } else {
        const rest = this.#perform(order, order.skip);
        if (rest !== undefined) await rest;
      }
      if (performance.now() > turnEnds) {
        await setImmediate();
        turnEnds = performance.now() + TURN;
      }
    }
  }

  async #define(id: number, reference: TargetReference): Promise<void> {
    try {
      this.#functions.set(id, await callable(reference));
    } catch (error) {
      this.#functions.set(id, { error });
    }
  }

  /** Runs items from `first` on; a promise only if one of them is asynchronous. */
  #perform(task: TaskMessage, first: number): Promise<void> | undefined {
    const { id, fn, spread, items } = task;
    const known = this.#functions.get(fn);
    for (let i = first; i < items.length; i++) {
      if (typeof known !== 'function') {
        this.#report(id, i, false, known?.error);
        continue;
      }
      let value: unknown;
      try {
        const item = items[i];
        value = spread ? known(...(item as readonly unknown[])) : known(item);
      } catch (error) {
        this.#report(id, i, false, error);
        continue;
      }
      if (isThenable(value)) return this.#settle(task, i, value);
      this.#report(id, i, true, value);
    }
    return undefined;
  }

  async #settle(task: TaskMessage, index: number, value: PromiseLike<unknown>): Promise<void> {
    try {
      this.#report(task.id, index, true, await value);
    } catch (error) {
      this.#report(task.id, index, false, error);
    }
    await this.#perform(task, index + 1);
  }

  #report(id: number, index: number, ok: boolean, value: unknown): void {
    let message;
    try {
      message = encodeResult(id, index, ok, value);
    } catch (error) {
      if (!(error instanceof SerializationError)) throw error;
      message = encodeResult(id, index, false, error);
    }
    this.#duplex.sendSync(Kind.Result, message.buffer, message.length, Infinity);
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}
