import type { Duplex } from '../backend/backend';

/** How a new end comes to its transport; not for users. */
export class End {
  constructor(
    readonly duplex: Duplex<unknown>,
    readonly readable: boolean,
    readonly writable: boolean,
  ) {}
}
