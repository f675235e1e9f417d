import { backend as implementation, decision } from './backend';
import type { BackendName, StartMethod } from './backend/backend';
import { getStartMethod, isStartMethodChosen } from './start-method';

/** Which implementation and start method are in use, and why. */
export function backend(): {
  /** The implementation. */
  readonly name: BackendName;
  /** What processes start by, unless they say otherwise. */
  readonly startMethod: StartMethod;
  /** For people: why these. */
  readonly reason: string;
} {
  const startMethod = getStartMethod();
  const obstacle = implementation.unavailable('forkserver');
  const reasons = [
    decision.reason,
    `'${startMethod}' ${isStartMethodChosen() ? 'was chosen by setStartMethod' : 'is the default'}`,
    ...(obstacle === undefined ? [] : [`'forkserver' cannot be used: ${obstacle}`]),
  ];
  return { name: implementation.name, startMethod, reason: reasons.join('; ') };
}
