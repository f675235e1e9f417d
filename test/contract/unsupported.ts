/**
 * What of the contract a backend does not support, by suite, and what it does instead. Nothing else is left out of a
 * backend's run; start methods are those of getAllStartMethods().
 */
const UNSUPPORTED: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  native: {},
  child_process: {
    // Value, SharedArray, SharedMemory, ShareableList
    'shared data': 'UnsupportedError at construction: processes of pure Node cannot share memory',
    // Queue and JoinableQueue with the option "name"
    'queues with names': 'UnsupportedError at construction: unrelated programs of pure Node share nothing',
    // Lock, Semaphore and BoundedSemaphore with the option "name"
    'locks with names': 'UnsupportedError at construction: unrelated programs of pure Node share nothing',
  },
};

export function isSupported(suite: string, backend: string): boolean {
  return UNSUPPORTED[backend]?.[suite] === undefined;
}
