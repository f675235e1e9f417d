const SHARED = 'a SharedArrayBuffer is of one process; between processes there is SharedArray';

/** Tests of piscina that are not run against the adapter, each with its reason; of a whole file a text. */
export const excluded = {
  'abort-task.test.ts': {
    'tasks can be aborted through AbortController while running': SHARED,
    'tasks can be aborted through EventEmitter while running': SHARED,
    'tasks can be aborted through EventEmitter before running': SHARED,
    'abortable tasks will not share workers (abortable posted second)': SHARED,
  },
  'atomics-optimization.test.ts': {
    'coverage test for Atomics optimization (sync mode)': SHARED,
    'enable async mode': SHARED,
  },
  'console-log.test.ts': 'needs a package that is not published with the tests, and fails with piscina too',
  'idle-timeout.test.ts': SHARED,
  'option-validation.test.ts': {
    'execArgv is not tampered':
      'a Node of its own is started with what the program has put into Object.prototype',
  },
  'task-queue.test.ts': {
    'will put items into a task queue until they can run': SHARED,
    'queueSize includes abortable tasks waiting in skipQueue': SHARED,
    'tasks can share a Worker if requested (both tests blocking)': SHARED,
    'tasks can share a Worker if requested (one test finishes)': SHARED,
    'tasks can share a Worker if requested (both tests finish)': SHARED,
  },
  'test-uncaught-exception-from-handler.test.ts': {
    'uncaught exception in immediate after task yields error event':
      'no task runs that could carry the error: the worker prints it, and the error event says that it did',
  },
};
