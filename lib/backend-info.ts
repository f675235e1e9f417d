import { backend as implementation } from './backend';
import type { BackendName, StartMethod } from './backend/backend';
import { getStartMethod } from './start-method';

/** Which implementation and start method are in use, and why. */
export function backend(): {
  readonly name: BackendName;
  readonly startMethod: StartMethod;
  readonly reason: string;
} {
  return {
    name: implementation.name,
    startMethod: getStartMethod(),
    reason:
      'the addon is loaded; of the start methods that it offers this is the default, or the one you chose',
  };
}
