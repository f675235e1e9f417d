import { setImmediate } from 'node:timers/promises';
import { NOTHING, type Duplex, type Wait } from '../backend/backend';
import { SerializationError } from '../errors';
import { onlyHere } from '../forked';
import type { Callable } from '../function-ref';
import { KnownFunction } from './callable';
import { nowRuns, whileRunning, type Running } from './current-task';
import {
  Flag,
  Kind,
  encodeResult,
  encodeStarted,
  encodeReturned,
  encodeYield,
  joined,
  type Encoded,
  type Order,
  type TaskMessage,
} from './protocol';
import type { Retirement } from './retirement';
import type { StopRequests } from './stop-requests';
import type { Yielding } from './yielding';

/** How long (ms) synchronous tasks may follow each other before timers and I/O get their turn. */
const TURN = 5;

const NO_BYTES = new Uint8Array(0);

/** In a worker: runs what its ring brings, up to `concurrency` tasks at a time. */
export class Runner {
  readonly #duplex: Duplex<Order>;
  readonly #requests: StopRequests;
  readonly #yielding: Yielding;
  readonly #concurrency: number;
  readonly #retirement: Retirement;
  readonly #functions = new Map<number, KnownFunction>();
  readonly #unfinished = new Set<Promise<void>>();
  #turnEnds = 0;
  /** When (performance.now()) the last task ended, or the runner looked last: then the next one begins. */
  #now = 0;
  /** It starts nothing more. */
  #retires = false;

  constructor(
    duplex: Duplex<Order>,
    requests: StopRequests,
    yielding: Yielding,
    concurrency: number,
    retirement: Retirement,
  ) {
    this.#duplex = duplex;
    this.#requests = requests;
    this.#yielding = yielding;
    this.#concurrency = concurrency;
    this.#retirement = retirement;
  }

  /** Until the worker retires. @throws EndOfFileError when the pool has closed the link */
  async run(): Promise<void> {
    const wait: Wait = {
      timeout: Infinity,
      signal: undefined,
      timedOut: () => new Error(),
      owner: this.#duplex,
    };
    this.#turnBegins();
    while (!this.#retires) {
      let order: Order | typeof NOTHING;
      order = this.#duplex.tryReceive();
      if (order === NOTHING) {
        if (this.#unfinished.size === 0 && this.#duplex.linger()) {
          this.#look();
          continue;
        }
        order = await this.#duplex.receive(wait);
        this.#turnBegins();
      }
      // While it waited one of the tasks beside it was its last.
      if (order.kind === 'task' && this.#hasRetired()) {
        this.#giveBack(order, order.skip);
        break;
      }
      if (order.kind === 'define') {
        this.#functions.set(order.id, new KnownFunction(order.reference));
      } else {
        const rest = this.#take(order);
        if (rest !== undefined) {
          if (this.#concurrency === 1) await rest;
          else await this.#goOnBeside(rest);
        }
      }
      if (this.#now > this.#turnEnds) await this.#giveTurn();
    }
    await Promise.all(this.#unfinished);
  }

  /** Waits only if no other task may run now. */
  async #goOnBeside(task: Promise<void>): Promise<void> {
    const whole = task.finally(() => this.#unfinished.delete(whole));
    this.#unfinished.add(whole);
    const { size } = this.#unfinished;
    if (size < this.#concurrency && this.#retirement.allows(size)) return;
    do await Promise.race(this.#unfinished);
    while (!this.#retires && !this.#retirement.allows(this.#unfinished.size));
  }

  #hasRetired(): boolean {
    return this.#retires;
  }

  #turnBegins(): void {
    this.#turnEnds = this.#look() + TURN;
  }

  #look(): number {
    return (this.#now = performance.now());
  }

  async #giveTurn(): Promise<void> {
    await onlyHere(setImmediate());
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
    const running: Running = { order, item: order.skip, began: this.#now, made: undefined };
    if (this.#concurrency > 1) return whileRunning(running, () => this.#begin(known, running));
    nowRuns(running);
    return this.#begin(known, running);
  }

  #begin(known: KnownFunction, running: Running): Promise<void> | undefined {
    const { order } = running;
    if (known.call === undefined || order.flags & Flag.Stream) return this.#beginLater(known, running);
    return this.#perform(known, running, order.skip);
  }

  async #beginLater(known: KnownFunction, running: Running): Promise<void> {
    const { order } = running;
    if (known.call === undefined) {
      await known.load();
      running.began = this.#look();
    }
    if (order.flags & Flag.Stream && known.call !== undefined) await this.#stream(known.call, running);
    else await this.#perform(known, running, order.skip);
  }

  /** Runs items from `first` on. */
  #perform(known: KnownFunction, running: Running, first: number): Promise<void> | undefined {
    const { call, error } = known;
    const { order } = running;
    const { id, flags, items } = order;
    for (let i = first; i < items.length; i++) {
      if (i > first) {
        if (this.#isOver(order, i)) return undefined;
        if (this.#now > this.#turnEnds) return this.#performLater(known, running, i);
      }
      if (call === undefined) {
        this.#report(running, i, false, error);
        continue;
      }
      running.item = i;
      running.began = this.#now;
      running.made = undefined;
      let value: unknown;
      try {
        const item = items[i];
        value = flags & Flag.Spread ? call(...(item as readonly unknown[])) : call(item);
        if (isThenable(value)) return this.#settle(known, running, i, value);
      } catch (thrown) {
        this.#report(running, i, false, thrown);
        continue;
      }
      this.#report(running, i, true, value);
    }
    this.#end(id);
    return undefined;
  }

  async #performLater(known: KnownFunction, running: Running, next: number): Promise<void> {
    await this.#giveTurn();
    if (!this.#isOver(running.order, next)) await this.#perform(known, running, next);
  }

  async #settle(
    known: KnownFunction,
    running: Running,
    index: number,
    value: PromiseLike<unknown>,
  ): Promise<void> {
    const { order } = running;
    try {
      const settled = await value;
      this.#report(running, index, true, settled);
    } catch (error) {
      this.#report(running, index, false, error);
    }
    const next = index + 1;
    if (next === order.items.length) this.#end(order.id);
    else if (!this.#isOver(order, next)) await this.#perform(known, running, next);
  }

  /** Sends what the function yields, no faster than it is consumed. */
  async #stream(call: Callable, running: Running): Promise<void> {
    const { id, items } = running.order;
    this.#yielding.begin(id);
    let iterator: AsyncIterator<unknown> | Iterator<unknown> | undefined;
    try {
      iterator = iteratorOf(await call(...(items[0] as readonly unknown[])));
      for (;;) {
        if (this.#requests.concerns(id, 0)) throw this.#requests.reasonOf(id);
        const step = iterator.next();
        const result: IteratorResult<unknown, unknown> = isThenable(step) ? await step : step;
        if (result.done === true) break;
        this.#send(encodeYield(id, result.value));
        await this.#yielding.spend(id);
        if (this.#look() > this.#turnEnds) await this.#giveTurn();
      }
      this.#report(running, 0, true, undefined);
    } catch (error) {
      try {
        await iterator?.return?.();
      } catch {
        // The first error is the one that is told.
      }
      this.#report(running, 0, false, error);
    }
    this.#yielding.end(id);
    this.#end(id);
  }

  #end(id: number): void {
    if (this.#concurrency === 1) nowRuns(undefined);
    if (!this.#requests.isEmpty) this.#requests.forget(id);
  }

  /** Whether the rest of the task is not run here, for nobody wants it or the worker retires; then it is given back. */
  #isOver(order: TaskMessage, next: number): boolean {
    if (!this.#retires && (this.#requests.isEmpty || !this.#requests.concernsAll(order.id))) return false;
    this.#end(order.id);
    this.#giveBack(order, next);
    return true;
  }

  #giveBack(order: TaskMessage, next: number): void {
    const { buffer, length } = encodeReturned(order, next);
    this.#duplex.sendSync(Kind.Returned, buffer, length, Infinity);
  }

  #report({ order: { id }, began }: Running, index: number, ok: boolean, value: unknown): void {
    const ran = this.#look() - began;
    let message;
    try {
      message = encodeResult(id, index, ok, ran, value);
    } catch (error) {
      if (!(error instanceof SerializationError)) throw error;
      message = encodeResult(id, index, false, ran, error);
    }
    this.#send(message);
    if (this.#retirement.isDue() && !this.#retires) {
      this.#retires = true;
      this.#duplex.sendSync(Kind.Retiring, NO_BYTES, 0, Infinity);
    }
  }

  #send({ tag, buffer, length, shares, lead }: Encoded): void {
    if (lead !== undefined) {
      if (this.#duplex.trySendLed(tag, buffer, length, lead)) return;
      const whole = joined(lead, buffer, length);
      this.#duplex.sendSync(tag, whole, whole.length, Infinity);
      return;
    }
    this.#duplex.sendSync(tag, buffer, length, Infinity, shares);
  }
}

function isThenable<T>(value: T | PromiseLike<T>): value is PromiseLike<T> {
  return (
    typeof value === 'object' && value !== null && typeof (value as { then?: unknown }).then === 'function'
  );
}

function iteratorOf(value: unknown): AsyncIterator<unknown> | Iterator<unknown> {
  const iterable = Object(value) as Partial<AsyncIterable<unknown> & Iterable<unknown>>;
  const iterator = iterable[Symbol.asyncIterator]?.() ?? iterable[Symbol.iterator]?.();
  if (iterator === undefined) {
    throw new TypeError('stream() is for functions that return an iterable, such as generators');
  }
  return iterator;
}
