import type { Surroundings } from '../surround';

/** What a forkserver and its clients say to each other; mirrors native/core/forkserver.h. */
export const Kind = {
  Fork: 1,
  Connect: 2,
  Ready: 3,
  Failed: 4,
  Started: 5,
  NotStarted: 6,
  Ended: 7,
  /** On a child's own link: a is its pid. Said before it takes its orders. */
  Born: 8,
  /** On a child's own link: a is its exit code. The last it says. */
  Left: 9,
} as const;

/** For descriptor i of the child: /dev/null. */
export const NULL_STANDARD = [1, 2, 4] as const;
export const DETACHED = 8;

/** The descriptors of a forkserver: its end of the door, the read end of its main process's life pipe. */
export const SERVER = { control: 3, life: 4 } as const;

/** Tag of the record with {@link Settings} that precedes a forked child's orders; all others have 0. */
export const SETTINGS_TAG = 1;

/** JSON. */
export interface Settings extends Surroundings {
  readonly umask: number;
  readonly argv: readonly string[];
  readonly execArgv: readonly string[];
}
