import { backend as implementation } from './backend';
import type { BackendName, StartMethod } from './backend/backend';
import { getStartMethod } from './start-method';

/** Which implementation and start method are in use, and why. */
export function backend(): {
  readonly name: BackendName;
  readonly startMethod: StartMethod;
  readonly reason: string;
} {
  const startMethod = getStartMethod();
  const obstacle = implementation.unavailable('forkserver');
  const why =
    obstacle === undefined
      ? `'${startMethod}' is the default, or what you chose`
      : `'forkserver' is not safe in this program: ${obstacle}`;
  return { name: implementation.name, startMethod, reason: `the addon is loaded; ${why}` };
}
