/** What a module that a worker loads sees of its pool. */
export const state: { isWorkerThread: boolean; workerData: any } = {
  isWorkerThread: false,
  workerData: undefined,
};

/** The version of piscina that this stands for. */
export const version = '5.3.2';
