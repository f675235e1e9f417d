import { JoinableQueue as NativeJoinable, Queue as Native, SimpleQueue as NativeSimple } from '../../queue';
import { blocking, type Seconds } from './seconds';
import { travels, Wrapped } from './wrapped';

/** Python's `multiprocessing.Queue`. */
export class Queue<T = unknown> extends Wrapped<Native<T>> {
  /** @param maxsize 0 or less, and left out: no bound */
  constructor(maxsize = 0, native: Native<T> = new Native<T>(Math.max(0, maxsize))) {
    super(native);
  }

  /** @throws Full after `timeout` seconds, or at once without `block` */
  put(obj: T, block = true, timeout?: Seconds): void {
    this.native.putSync(obj, blocking('put', block, timeout));
  }

  /** @throws Empty after `timeout` seconds, or at once without `block` */
  get(block = true, timeout?: Seconds): T {
    return this.native.getSync(blocking('get', block, timeout));
  }

  /** @throws Full */
  put_nowait(obj: T): void {
    this.native.putNowait(obj);
  }

  /** @throws Empty */
  get_nowait(): T {
    return this.native.getNowait();
  }

  /** Exact, unlike Python's. */
  qsize(): number {
    return this.native.qsize();
  }

  empty(): boolean {
    return this.native.empty();
  }

  full(): boolean {
    return this.native.full();
  }

  /** No more put or get by this process. */
  close(): void {
    this.native.close();
  }

  /** There is no thread to join: what put() has returned for is in shared memory. */
  join_thread(): void {
    // Nothing is under way.
  }

  /** As {@link join_thread}: nothing would be lost. */
  cancel_join_thread(): void {
    // Nothing is under way.
  }
}

/** Python's `multiprocessing.JoinableQueue`. */
export class JoinableQueue<T = unknown> extends Queue<T> {
  declare readonly native: NativeJoinable<T>;

  constructor(maxsize = 0) {
    super(maxsize, new NativeJoinable<T>(Math.max(0, maxsize)));
  }

  /** @throws InvalidStateError (Python's ValueError) if called too often */
  task_done(): void {
    this.native.taskDone();
  }

  /** @throws ConsumerLostError where Python would wait for ever, for a consumer that has ended */
  join(): void {
    this.native.joinSync();
  }
}

/** Python's `multiprocessing.SimpleQueue`. */
export class SimpleQueue<T = unknown> extends Wrapped<NativeSimple<T>> {
  constructor() {
    super(new NativeSimple<T>());
  }

  put(obj: T): void {
    this.native.putSync(obj);
  }

  get(): T {
    return this.native.getSync();
  }

  empty(): boolean {
    return this.native.empty();
  }

  close(): void {
    this.native.close();
  }
}

travels(Queue);
travels(JoinableQueue);
travels(SimpleQueue);
