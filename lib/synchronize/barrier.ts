import '../dispose';
import { backend } from '../backend';
import type { Breach, Gate } from '../backend/synchronize';
import { BrokenBarrierError, InvalidStateError } from '../errors';
import { load, referTo, type Callable, type TargetReference } from '../function-ref';
import { registerHandleType, type HandleDescription, type Transferable } from '../handles';
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

/** The action of a barrier that came from another process: loaded from the start, and needed when all are there. */
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
    this.#loaded = load(action).then((loaded) => {
      if (!('call' in loaded))
        throw new InvalidStateError('expected the action of a barrier to be a function');
      return (this.#call = loaded.call);
    });
    this.#loaded.catch(() => undefined); // told to who needs it
  }

  async run(): Promise<void> {
    await (
      await this.#loaded
    )();
  }

  runSync(): void {
    if (this.#call === undefined) {
      throw new InvalidStateError(
        'the action of this barrier is not loaded in this process yet; use await wait()',
      );
    }
    this.#call();
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
  readonly parties: number;
  readonly #gate: Gate;
  readonly #action: Action | undefined;
  readonly #timeout: number;

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
   * @param options the time of this wait, which breaks the barrier when it is over
   * @throws BrokenBarrierError
   */
  async wait(options?: WaitOptions): Promise<number> {
    const wait = waitOf('wait', { timeout: this.#timeout, ...options }, this);
    const arrival = this.#gate.arrive();
    if (typeof arrival === 'string') throw broken(arrival);
    if (arrival.isLast) {
      try {
        await this.#action?.run();
      } catch (error) {
        this.#gate.break('action');
        throw error;
      }
      arrival.open();
      return arrival.index;
    }
    let outcome;
    try {
      outcome = await arrival.wait(wait);
    } catch (error) {
      if (this.#gate.breach() === undefined) this.#gate.break('aborted');
      throw error;
    }
    return this.#settle(outcome, arrival.index);
  }

  /** Like {@link wait}, and blocks the thread meanwhile. */
  waitSync(options?: SyncWaitOptions): number {
    const limit = timeoutOption('waitSync', { timeout: this.#timeout, ...options });
    const arrival = this.#gate.arrive();
    if (typeof arrival === 'string') throw broken(arrival);
    if (!arrival.isLast) return this.#settle(arrival.waitSync(limit), arrival.index);
    try {
      this.#action?.runSync();
    } catch (error) {
      this.#gate.break('action');
      throw error;
    }
    arrival.open();
    return arrival.index;
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

  get broken(): boolean {
    return this.#gate.breach() !== undefined;
  }

  /** Idempotent. Calls that still wait reject, which breaks the barrier. */
  close(): void {
    this.#gate.close();
  }

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

  #settle(outcome: 'open' | 'late' | Breach, index: number): number {
    if (outcome === 'open') return index;
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
