/** All that needs the library, which may be what cannot be loaded. */
export { backendFindings, backendName, startMethods } from './backend';
export { selfTest } from './self-test';
export { sharedMemory } from './shared-memory';
