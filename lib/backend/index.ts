import { readFileSync } from 'node:fs';
import { getEnvironmentData, isMainThread, setEnvironmentData } from 'node:worker_threads';
import type { Backend } from './backend';
import { chosenBackend } from './choice';
import { decide, type Decision } from './decide';

/* eslint-disable @typescript-eslint/no-require-imports, @typescript-eslint/consistent-type-imports --
   nothing of the one backend is loaded where the other is in use */

// A thread finds here what the thread that started it has decided; and a program that loads this library several times,
// as test runners do for each file, what it has been told.
const PLACE = 'forkful backend';
const before = getEnvironmentData(PLACE) as unknown as Decision | undefined;

/** Which backend this process uses, and why: decided once, when the library is loaded. */
export const decision = decide({
  platform: process.platform,
  arch: process.arch,
  napi: process.versions['napi'],
  env: process.env,
  fixed: chosenBackend(),
  inherited: isMainThread ? undefined : before,
  loadAddon: () => (require('./native/refusal') as typeof import('./native/refusal')).refusal(),
  maps: () => {
    try {
      return readFileSync('/proc/self/maps', 'utf8');
    } catch {
      return '';
    }
  },
});
setEnvironmentData(PLACE, decision);

const { name, warning } = decision;
if (warning !== undefined && warning !== before?.warning) {
  process.emitWarning(warning, { type: 'ForkfulWarning', code: 'FORKFUL_BACKEND' });
}

export const backend: Backend =
  name === 'native'
    ? (require('./native') as typeof import('./native')).nativeBackend
    : (require('./child-process') as typeof import('./child-process')).childProcessBackend;
