import type { Backend } from './backend';
import { nativeBackend } from './native';

/** The backend of this process: decided once, when the library is loaded. */
export const backend: Backend = nativeBackend;
