import { types } from 'node:util';
import { backend } from '../backend';
import { WordWait } from '../backend/mapping';
import { ClosedError, InvalidArgumentError } from '../errors';
import { registerHandleType, type HandleDescription, type Transferable } from '../handles';
import { integer, invalid, timeoutOption, type SyncWaitOptions } from '../options';
import { HANDLE, sharedViewHandle } from '../serializer';

const LEAST = -(2 ** 31);
const MOST = 2 ** 31 - 1;
const MOST_UNSIGNED = 2 ** 32 - 1;

/** How {@link FutexWord.waitSync} ended; the words are those of Atomics.wait. */
export type WaitResult = 'ok' | 'not-equal' | 'timed-out';

function wordIn(view: unknown, index: unknown): Int32Array {
  if (!types.isInt32Array(view) && !types.isUint32Array(view)) {
    throw invalid('FutexWord argument "view"', 'an Int32Array or Uint32Array over shared memory', view);
  }
  if (sharedViewHandle(view) === undefined) {
    throw new InvalidArgumentError(
      'FutexWord argument "view" must lie in a Mapping, a SharedArray or SharedMemory, got a view of ordinary memory; ' +
        'no other process could wake who waits there',
    );
  }
  if (view.length === 0) {
    throw new InvalidArgumentError(
      'FutexWord argument "view" must have an element, got none; was its memory closed?',
    );
  }
  const place = index === undefined ? 0 : integer('FutexWord argument "index"', index, 0, view.length - 1);
  return new Int32Array(view.buffer, view.byteOffset + place * Int32Array.BYTES_PER_ELEMENT, 1);
}

/**
 * 32 bits of shared memory on which threads of any process can sleep: futex(2) as it is, without an owner, without
 * fairness and without an event loop. Set the word before {@link wake}, and look at it again after {@link waitSync}. If
 * the process that was to wake is killed nobody wakes: give a timeout, or take the library's own locks.
 */
export class FutexWord implements Transferable {
  readonly #word: Int32Array;

  /**
   * @param view over a {@link Mapping}, a SharedArray or SharedMemory
   * @param index which element. @default 0
   * @throws InvalidArgumentError for anything else, or an index outside of it
   */
  constructor(view: Int32Array | Uint32Array, index?: number) {
    this.#word = wordIn(view, index);
  }

  /** The word as an array of one element, for Atomics. Empty when its memory is closed. */
  get view(): Int32Array {
    return this.#word;
  }

  /** The word, from -2^31 on; reads and writes are atomic, no system call. @throws ClosedError */
  get value(): number {
    return Atomics.load(this.#use(), 0);
  }

  /** @throws InvalidArgumentError for what is no integer of 32 bits */
  set value(value: number) {
    Atomics.store(this.#use(), 0, integer('FutexWord value', value, LEAST, MOST_UNSIGNED));
  }

  /**
   * Blocks the thread while the word is `expected`, until somebody wakes it: 'ok', and maybe without any reason;
   * 'not-equal' if the word was another already; 'timed-out'. Neither signals nor changes of the clock end or lengthen
   * it. One futex(FUTEX_WAIT_BITSET), and none if the word is another. No other work of this process goes on meanwhile:
   * await your puts before. In a worker thread it sleeps for at most 100 ms at a time, and a wake-up without a change
   * of the word may be missed between.
   * @param expected from -2^31 to 2^32 - 1
   * @param options `timeout` in ms; 0 only looks. @default Infinity
   * @throws ClosedError if the memory was closed
   */
  waitSync(expected: number, options?: SyncWaitOptions): WaitResult {
    const word = this.#use();
    const wanted = integer('waitSync argument "expected"', expected, LEAST, MOST_UNSIGNED) | 0;
    const timeout = timeoutOption('waitSync', options);
    const end = timeout === Infinity ? Infinity : performance.now() + timeout;
    let slept = false;
    for (let left = timeout; ; left = Math.max(0, end - performance.now())) {
      const result = backend.waitForWord(word, wanted, left);
      if (result === WordWait.Woken) return 'ok';
      if (result === WordWait.NotEqual) return slept ? 'ok' : 'not-equal';
      if (result !== WordWait.TimedOut)
        throw new ClosedError('expected shared memory to wait on, but it is gone');
      if (left === 0 || performance.now() >= end) return 'timed-out';
      slept = true;
    }
  }

  /**
   * Wakes at most so many of those that wait for the word, in any process; says how many. One futex(FUTEX_WAKE).
   * @param count at least 0. @default Infinity
   * @throws ClosedError if the memory was closed
   */
  wake(count = Infinity): number {
    const word = this.#use();
    const most = count === Infinity ? MOST : integer('wake argument "count"', count, 0, MOST);
    // The kernel wakes one where none are asked for.
    return most === 0 ? 0 : backend.wakeWord(word, most);
  }

  /** @internal */
  [HANDLE](): HandleDescription {
    const part = sharedViewHandle(this.#use()) as Transferable;
    return { type: 'FutexWord', parts: [part], details: {} };
  }

  #use(): Int32Array {
    if (this.#word.length === 1) return this.#word;
    throw new ClosedError('expected a FutexWord in open memory, but its memory was closed in this process');
  }
}

registerHandleType('FutexWord', (_share, _details, [view]) => new FutexWord(view as Int32Array));
