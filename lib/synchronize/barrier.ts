import '../dispose';
import { backend } from '../backend';
import type { Arrival, Breach, Gate } from '../backend/synchronize';
import { whileImporting } from '../current';
import { BrokenBarrierError, ClosedError, InvalidStateError } from '../errors';
import { perProcess } from '../forked';
import { load, referTo, type Callable, type TargetReference } from '../function-ref';
import { completion, registerHandleType, type HandleDescription, type Transferable } from '../handles';
import {
  callback,
  integer,
  record,
  timeout,
  timeoutOption,
  type SyncWaitOptions,
  type WaitOptions,
} from '../options';
import { HANDLE } from '../serializer';
import { waitOf } from './waits';

/** What is done at each meeting, and how long parties wait. */
export interface BarrierOptions {
  /** Called by one of the parties each time, when all are there and before they go on. Exported, if it travels. */
  readonly action?: () => unknown;
  /** How long (ms) a wait may take if it does not say itself. @default Infinity */
  readonly timeout?: number;
}

const WHY: Readonly<Record<Breach, string>> = {
  aborted: 'it was aborted',
  reset: 'it was reset while this call waited',
  timeout: 'one of the parties waited longer than its timeout',
  died: 'one of the parties ended while it waited',
  action: 'the action failed',
};

/** What one of the parties calls. That of a barrier which came from another process is being loaded from the start. */
class Action {
  readonly reference: TargetReference | undefined;
  /** As given here; what came from elsewhere is known by its reference. */
  readonly #given: Callable = () => undefined;
  #call: Callable | undefined;
  readonly #loaded: Promise<Callable>;

  constructor(action: Callable | TargetReference) {
    if (typeof action === 'function') {
      this.#given = this.#call = action;
      this.#loaded = Promise.resolve(action);
      return;
    }
    this.reference = action;
    this.#loaded = whileImporting(() => load(action)).then((loaded) => {
      if (!('call' in loaded))
        throw new InvalidStateError('expected the action of a barrier to be a function');
      return (this.#call = loaded.call);
    });
    completion(this.#loaded); // so that waitSync() has it from the first line of a child's target on
  }

  async run(): Promise<void> {
    await (
      await this.#loaded
    )();
  }

  runSync(): void {
    if (this.#call === undefined) {
      throw new InvalidStateError(
        'the action of this barrier is not loaded in this process, or not yet; await wait() loads it, or tells why not',
      );
    }
    const result = this.#call() as PromiseLike<unknown> | null | undefined;
    if (typeof result?.then !== 'function') return;
    result.then(undefined, () => undefined);
    throw new InvalidStateError(
      'expected an action that waitSync() can call, but it returned a promise; use await wait()',
    );
  }

  refer(): TargetReference {
    return this.reference ?? referTo(this.#given);
  }
}

class OpenedBarrier {
  constructor(
    readonly gate: Gate,
    readonly action: Action | undefined,
    readonly timeout: number,
  ) {}
}

/**
 * A meeting point: each of `parties` waits until all are there, again and again. It breaks, for all, when one of them
 * gives up or ends.
 */
export class Barrier implements Transferable {
  /** How many must come: 1 to 1023. */
  readonly parties: number;
  readonly #gate: Gate;
  readonly #action: Action | undefined;
  readonly #timeout: number;
  /** Calls of this handle that wait in this process. */
  readonly #waits = perProcess(() => ({ count: 0 }));
  #isClosed = false;

  /** @throws InvalidArgumentError */
  constructor(parties: number, options?: BarrierOptions) {
    this.parties = integer('Barrier argument "parties"', parties, 1, 1023);
    if (options instanceof OpenedBarrier) {
      this.#gate = options.gate;
      this.#action = options.action;
      this.#timeout = options.timeout;
      return;
    }
    const given = record('Barrier options', options, ['action', 'timeout']);
    this.#action =
      given.action === undefined ? undefined : new Action(callback('Barrier option "action"', given.action));
    this.#timeout = timeout('Barrier option "timeout"', given.timeout);
    this.#gate = backend.createGate(this.parties);
  }

  /**
   * Waits for the others. A number from 0 to parties - 1, for each party another one.
   * @param options the time and the signal of this wait; its end breaks the barrier
   * @throws BrokenBarrierError
   */
  async wait(options?: WaitOptions): Promise<number> {
    const wait = { ...waitOf('wait', options, this), timeout: this.#limit(options, 'wait') };
    const arrival = this.#arrive();
    if (arrival.isLast) return this.#settle(await this.#openAfter(arrival), arrival.index);
    this.#waits().count++;
    try {
      return this.#settle(await arrival.wait(wait), arrival.index);
    } catch (error) {
      if (!this.#isClosed && error === wait.signal?.reason) this.#gate.break('aborted');
      throw error;
    } finally {
      this.#waits().count--;
    }
  }

  /** Like {@link wait}, and blocks the thread meanwhile. */
  waitSync(options?: SyncWaitOptions): number {
    timeoutOption('waitSync', options);
    const limit = this.#limit(options, 'waitSync');
    const arrival = this.#arrive();
    if (!arrival.isLast) return this.#settle(arrival.waitSync(limit), arrival.index);
    try {
      this.#action?.runSync();
    } catch (error) {
      this.#fail(arrival);
      throw error;
    }
    return this.#settle(arrival.open(), arrival.index);
  }

  /** Breaks it: those who wait, and all who come, get a BrokenBarrierError until {@link reset}. */
  abort(): void {
    this.#gate.break('aborted');
  }

  /** As new. Those who wait get a BrokenBarrierError. */
  reset(): void {
    this.#gate.reset();
  }

  /** How many wait now. */
  get nWaiting(): number {
    return this.#gate.waiting();
  }

  /** Whether waits fail, until {@link reset}. */
  get broken(): boolean {
    return this.#gate.breach() !== undefined;
  }

  /** Idempotent. Calls that still wait reject, which breaks the barrier. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#waits().count > 0) this.#gate.break('aborted');
    this.#gate.close();
  }

  /** Calls {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  [HANDLE](): HandleDescription {
    return {
      type: 'Barrier',
      share: this.#gate.share(),
      details: { parties: this.parties, timeout: this.#timeout, action: this.#action?.refer() },
    };
  }

  #limit(options: SyncWaitOptions | undefined, call: string): number {
    return options?.timeout === undefined
      ? this.#timeout
      : timeout(`${call} option "timeout"`, options.timeout);
  }

  #arrive(): Arrival {
    const arrival = this.#gate.arrive();
    if (typeof arrival === 'string') throw broken(arrival);
    return arrival;
  }

  async #openAfter(last: Arrival): Promise<'open' | Breach> {
    try {
      await this.#action?.run();
    } catch (error) {
      this.#fail(last);
      throw error;
    }
    return last.open();
  }

  #fail(last: Arrival): void {
    if (this.#isClosed) return;
    this.#gate.break('action');
    last.open();
  }

  #settle(outcome: 'open' | 'late' | Breach, index: number): number {
    if (outcome === 'open') return index;
    if (this.#isClosed) throw new ClosedError('the barrier was closed while this call waited');
    if (outcome !== 'late') throw broken(outcome);
    this.#gate.break('timeout');
    throw broken('timeout');
  }
}

function broken(why: Breach): BrokenBarrierError {
  return new BrokenBarrierError(
    `expected all parties of the barrier, but ${WHY[why]}; reset() makes it usable again`,
    { reason: why },
  );
}

registerHandleType('Barrier', (share, { parties, timeout: limit, action }) => {
  const opened = new OpenedBarrier(
    backend.openGate(share),
    action === undefined ? undefined : new Action(action as TargetReference),
    limit as number,
  );
  return new Barrier(parties as number, opened as never);
});
