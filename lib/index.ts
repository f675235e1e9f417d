export { backend } from './backend-info';
export type { BackendName, StartMethod } from './backend/backend';
export { getContext, type Context, type ContextOptions } from './context';
export { cpuCount } from './cpu-count';
export * from './errors';
export { setForkserverPreload, type ForkserverPreloadOptions } from './forkserver-preload';
export { inline, ref, refs, type References } from './function-ref';
export { isMainProcess } from './main-process';
export { onFork, type ForkHooks } from './on-fork';
export type { SyncWaitOptions, WaitOptions } from './options';
export { Connection, Pipe, type Bytes, type PipeOptions, type ReceiveBytesOptions } from './pipe';
export { AsyncResult, type CallbackOptions, type ResultWaitOptions } from './pool/async-result';
export { currentTask, type CurrentTask } from './pool/current-task';
export type { PoolOptions, TaskOptions } from './pool/options';
export { Pool, type PoolEvents, type WorkerEvent, type WorkerExitEvent } from './pool/pool';
export type { ProgressOption, ProgressReport } from './pool/progress';
export type { PoolStats, WorkerStats } from './pool/stats';
export type { TimeStats } from './pool/task-times';
export type { Wrapped } from './pool/types';
export { remoteInfo, type RemoteInfo } from './pool/remote-info';
import './pool/protocol';
import './compat/families';
import './shm'; // handles of these arrive in programs that did not ask for them
export {
  Process,
  activeChildren,
  currentProcess,
  parentProcess,
  type ProcessOptions,
  type Target,
} from './process';
export { JoinableQueue, Queue, SimpleQueue, type QueueOptions } from './queue';
export type { Waitable } from './readiness';
export type { Sentinel } from './sentinel';
export { SharedArray, type SharedArrayConstructor, type SharedArrayMembers } from './shared/array';
export type { ElementOf, ElementType, TypedArrays } from './shared/element-types';
export { ShareableList, type ShareableItem, type ShareableListOptions } from './shared/list';
export type { LockLike, SharedDataOptions } from './shared/lock';
export { SharedMemory, type SharedMemoryOptions } from './shared/memory';
export { Value } from './shared/value';
export { registerClass } from './serializer';
export { getAllStartMethods, getStartMethod, setStartMethod } from './start-method';
export * from './synchronize';
export { wait, waitSync } from './wait';
