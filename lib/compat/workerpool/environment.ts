import { cpus as listCpus } from 'node:os';
import { isMainThread as isOfMainThread } from 'node:worker_threads';
import { whenForked } from '../../forked';
import { isMainProcess } from '../../main-process';

export const platform = 'node';
/** Whether this is neither a worker thread nor a child process. */
export let isMainThread = isMainProcess && isOfMainThread && !process.connected;
export const cpus = listCpus().length;

whenForked(() => {
  isMainThread = false;
});
