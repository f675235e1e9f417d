import { backend } from 'forkful';
import { isSupported } from './contract/unsupported';

/** For single tests that do not hold everywhere. Whole files: see jest.config.js. */

/** What looks into /proc. */
export const linuxTest = process.platform === 'linux' ? test : test.skip;

export const hasSharedData = isSupported('shared data', backend().name);

/** What shares data. */
export const sharedDataTest = hasSharedData ? test : test.skip;

/** Elsewhere a process that is ended by a signal tells so; on Windows only its parent, if it sent it. */
export const hasSignals = process.platform !== 'win32';

/** What stops and continues processes. */
export const signalTest = hasSignals ? test : test.skip;
