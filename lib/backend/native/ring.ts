import { addon, type NativeRing } from './addon';
import { spinLimit } from './spinning';

let limited = false;

/** A ring in shared memory; a new one if there are limits. */
export function openRing(...of: ConstructorParameters<(typeof addon)['Ring']>): NativeRing {
  if (!limited) addon.limitSpinning(spinLimit(process.env['FORKFUL_SPIN']));
  limited = true;
  return new addon.Ring(...of);
}
