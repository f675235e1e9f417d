import type { Backend } from './backend';

/** The backend of this process: decided once, when the library is loaded. */
export const backend: Backend =
  process.env['FORKFUL_BACKEND'] === 'child_process'
    ? (require('./child-process') as typeof import('./child-process')).childProcessBackend
    : (require('./native') as typeof import('./native')).nativeBackend;
