import { setFlagsFromString } from 'node:v8';

/**
 * What is loaded from here on is compiled at once, in whole: for what a forkserver itself never calls, and each child
 * would compile again.
 */
setFlagsFromString('--no-lazy');

/** The user's modules are compiled as usual. */
export function beLazyAgain(): void {
  setFlagsFromString('--lazy');
}
