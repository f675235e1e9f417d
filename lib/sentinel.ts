import { READINESS, type Readiness, type Waitable } from './readiness';

/** Stands for the end of one process: {@link wait} tells that it is ready when the process has ended. */
export class Sentinel implements Waitable {
  readonly #end: Readiness;

  /** @internal */
  constructor(end: Readiness) {
    this.#end = end;
  }

  /** @internal */
  [READINESS](): Readiness {
    return this.#end;
  }
}
