export {
  BrokenBarrierError,
  BrokenPipeError,
  BufferTooShortError as BufferTooShort,
  EmptyError as Empty,
  EndOfFileError as EOFError,
  ForkfulError as ProcessError,
  FullError as Full,
  TimeoutError,
} from '../../errors';
import * as connections from './connection';
import * as memory from './shared-memory';

export { Pipe, type Connection } from './connection';
export {
  cpu_count,
  freeze_support,
  get_all_start_methods,
  get_context,
  get_start_method,
  Manager,
  set_forkserver_preload,
  set_start_method,
  type Context,
} from './context';
export { AsyncResult, Pool, type PoolKeywords } from './pool';
export { active_children, current_process, parent_process, Process, type ProcessKeywords } from './process';
export { JoinableQueue, Queue, SimpleQueue } from './queue';
export {
  RawArray,
  RawValue,
  SharedArrayOf as Array,
  Value,
  type SharedArrayWithLock,
  type TypeCode,
} from './sharedctypes';
export { Barrier, BoundedSemaphore, Condition, Event, Lock, RLock, Semaphore } from './synchronize';
export { with_, type ContextManager } from './with';

/** Python's `multiprocessing.connection`. */
export const connection = {
  Connection: connections.Connection,
  Pipe: connections.Pipe,
  wait: connections.wait,
};
/** Python's `multiprocessing.shared_memory`. */
export const shared_memory = { SharedMemory: memory.SharedMemory, ShareableList: memory.ShareableList };
