import '../dispose';
import { backend } from '../backend';
import type { Share } from '../backend/backend';
import type { Flag } from '../backend/synchronize';
import { invalid, timeoutOption, type SyncWaitOptions, type WaitOptions } from '../options';
import { registerHandleType, type HandleDescription, type Transferable } from '../handles';
import { HANDLE } from '../serializer';
import { waitOf } from './waits';

class OpenedFlag {
  constructor(readonly flag: Flag) {}

  static open(share: Share): OpenedFlag {
    return new OpenedFlag(backend.openFlag(share));
  }
}

/** A flag that processes set, clear and wait for. */
export class Event implements Transferable {
  readonly #flag: Flag;

  /** @param opened for the library itself; there are no options */
  constructor(opened?: unknown) {
    if (opened !== undefined && !(opened instanceof OpenedFlag))
      throw invalid('Event options', 'left out', opened);
    this.#flag = opened?.flag ?? backend.createFlag();
  }

  /** Lets all go on that wait, and all that come, until {@link clear}. */
  set(): void {
    this.#flag.set();
  }

  /** Makes those wait that come from now on. */
  clear(): void {
    this.#flag.clear();
  }

  /** Whether it is set now; another process may change that at once. */
  isSet(): boolean {
    return this.#flag.isSet();
  }

  /** Waits until it is set. Whether it was: false after `timeout` ms. */
  async wait(options?: WaitOptions): Promise<boolean> {
    return this.#flag.wait(waitOf('wait', options, this));
  }

  /** Like {@link wait}, and blocks the thread meanwhile. */
  waitSync(options?: SyncWaitOptions): boolean {
    return this.#flag.waitSync(timeoutOption('waitSync', options));
  }

  /** Idempotent. Calls that still wait reject. */
  close(): void {
    this.#flag.close();
  }

  /** Calls {@link close}. */
  [Symbol.dispose](): void {
    this.close();
  }

  /** @internal */
  [HANDLE](): HandleDescription {
    return { type: 'Event', share: this.#flag.share(), details: {} };
  }
}

registerHandleType('Event', (share) => new Event(OpenedFlag.open(share)));
