import type { StartMethod } from '../../backend/backend';
import type { AsyncResult as Native } from '../../pool/async-result';
import { Pool as NativePool } from '../../pool/pool';
import type { ArgsOf, ItemOf, ResultOf } from '../../pool/types';
import type { Target } from '../../process';
import { Callbacks } from './callbacks';
import { argumentsWith, isGiven, type Keywords } from './keywords';
import { within, type Seconds } from './seconds';

export type Callback<R> = ((result: R) => unknown) | null;
export type ErrorCallback = ((error: unknown) => unknown) | null;

/** Python's `multiprocessing.pool.AsyncResult`. */
export class AsyncResult<R> {
  readonly native: Native<R>;
  readonly #callbacks: Callbacks;

  /** @internal */
  constructor(native: Native<R>, callbacks: Callbacks) {
    this.native = native;
    this.#callbacks = callbacks;
  }

  /** @throws TimeoutError after `timeout` seconds, or what the function threw */
  get(timeout?: Seconds): R {
    this.wait(timeout);
    return this.native.getSync({ timeout: 0 });
  }

  wait(timeout?: Seconds): void {
    this.native.waitSync(within('wait', timeout));
    this.#callbacks.deliver();
  }

  ready(): boolean {
    this.wait(0); // a loop that asks again and again gives the event loop no turn
    return this.native.ready();
  }

  /** @throws InvalidStateError (Python's ValueError) while it is not ready */
  successful(): boolean {
    this.wait(0);
    return this.native.successful();
  }
}

/** Python's `multiprocessing.Pool`: `new Pool(4)`, or `new Pool({ processes: 4 })` for keyword arguments. */
export class Pool {
  readonly native: NativePool;
  readonly #callbacks = new Callbacks();

  constructor(options?: PoolKeywords);
  constructor(
    processes?: number | null,
    initializer?: Target | null,
    initargs?: readonly unknown[],
    maxtasksperchild?: number | null,
    context?: { readonly method: StartMethod },
  );
  constructor(
    first?: PoolKeywords | number | null,
    initializer?: Target | null,
    initargs?: readonly unknown[],
    maxtasksperchild?: number | null,
    context?: { readonly method: StartMethod },
  ) {
    const given: PoolKeywords =
      typeof first === 'object' && first !== null
        ? first
        : { processes: first, initializer, initargs, maxtasksperchild, context };
    this.native = new NativePool(
      Object.fromEntries(
        Object.entries({
          processes: given.processes,
          initializer: given.initializer,
          initargs: given.initargs,
          maxTasksPerChild: given.maxtasksperchild,
          context: given.context,
        }).filter(([, value]) => value !== undefined && value !== null),
      ),
    );
  }

  apply<F extends Target>(func: F, args?: Readonly<ArgsOf<F>>, kwds?: Keywords): ResultOf<F> {
    return this.apply_async(func, args, kwds).get();
  }

  apply_async<F extends Target>(
    func: F,
    args?: Readonly<ArgsOf<F>>,
    kwds?: Keywords,
    callback?: Callback<ResultOf<F>>,
    error_callback?: ErrorCallback,
  ): AsyncResult<ResultOf<F>> {
    const given = argumentsWith(args ?? [], kwds) as unknown as ArgsOf<F>;
    return this.#result(this.native.applyAsync(func, given), callback, error_callback);
  }

  map<F extends Target>(func: F, iterable: Iterable<ItemOf<F>>, chunksize?: number | null): ResultOf<F>[] {
    return this.map_async(func, iterable, chunksize).get();
  }

  map_async<F extends Target>(
    func: F,
    iterable: Iterable<ItemOf<F>>,
    chunksize?: number | null,
    callback?: Callback<ResultOf<F>[]>,
    error_callback?: ErrorCallback,
  ): AsyncResult<ResultOf<F>[]> {
    return this.#result(this.native.mapAsync(func, iterable, chunks(chunksize)), callback, error_callback);
  }

  starmap<F extends Target>(
    func: F,
    iterable: Iterable<Readonly<ArgsOf<F>>>,
    chunksize?: number | null,
  ): ResultOf<F>[] {
    return this.starmap_async(func, iterable, chunksize).get();
  }

  starmap_async<F extends Target>(
    func: F,
    iterable: Iterable<Readonly<ArgsOf<F>>>,
    chunksize?: number | null,
    callback?: Callback<ResultOf<F>[]>,
    error_callback?: ErrorCallback,
  ): AsyncResult<ResultOf<F>[]> {
    return this.#result(
      this.native.starmapAsync(func, iterable, chunks(chunksize)),
      callback,
      error_callback,
    );
  }

  /** In order. Takes the iterable only a bounded number of items ahead. */
  imap<F extends Target>(
    func: F,
    iterable: Iterable<ItemOf<F>>,
    chunksize = 1,
  ): IterableIterator<ResultOf<F>> {
    return this.native.imapSync(func, iterable, { chunksize });
  }

  /** As they finish. */
  imap_unordered<F extends Target>(
    func: F,
    iterable: Iterable<ItemOf<F>>,
    chunksize = 1,
  ): IterableIterator<ResultOf<F>> {
    return this.native.imapUnorderedSync(func, iterable, { chunksize });
  }

  /** Takes no more tasks. */
  close(): void {
    void this.native.close();
  }

  /** Ends the workers, and drops what is not done. */
  terminate(): void {
    void this.native.terminate();
    this.join();
  }

  /** Waits for the workers to end. @throws InvalidStateError (Python's ValueError) while the pool runs */
  join(): void {
    this.native.joinSync();
    this.#callbacks.deliver();
  }

  __enter__(): this {
    return this;
  }

  __exit__(): void {
    this.terminate();
  }

  [Symbol.dispose](): void {
    this.terminate();
  }

  #result<R>(
    native: Native<R>,
    callback: Callback<R> | undefined,
    errorCallback: ErrorCallback | undefined,
  ): AsyncResult<R> {
    this.#callbacks.add(native, callback, errorCallback);
    return new AsyncResult(native, this.#callbacks);
  }
}

/** Python's keyword arguments of `Pool`. */
export interface PoolKeywords {
  readonly processes?: number | null | undefined;
  readonly initializer?: Target | null | undefined;
  readonly initargs?: readonly unknown[] | undefined;
  readonly maxtasksperchild?: number | null | undefined;
  readonly context?: { readonly method: StartMethod } | undefined;
}

function chunks(chunksize: number | null | undefined): { readonly chunksize?: number } {
  return !isGiven(chunksize) ? {} : { chunksize };
}
