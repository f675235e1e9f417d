/** forkful/compat/workerpool against the declarations of workerpool. Checked by `npm run check:types`, never run. */
import type * as original from 'workerpool';
import * as adapter from 'forkful/compat/workerpool';

declare global {
  /** Of the DOM, which the declarations of workerpool presuppose. */
  interface WorkerOptions {
    credentials?: 'include' | 'omit' | 'same-origin';
    name?: string;
    type?: 'classic' | 'module';
  }
}

type OriginalPool = ReturnType<typeof original.pool>;
type AdapterPool = ReturnType<typeof adapter.pool>;
/** Without what is private. */
type Public<T> = Pick<T, keyof T>;
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function holds<T extends true>(...proof: T[]): void;
declare function given<T>(): T;

/* eslint-disable @typescript-eslint/no-explicit-any -- as in the declarations of workerpool */
interface Methods {
  [name: string]: (...args: any[]) => any;
  add: (a: number, b: number) => number;
}

/** What a program has from the adapter goes wherever it had that of the original. */
export function check(): void {
  holds<Same<keyof typeof adapter, keyof typeof original>>();
  holds<Same<keyof AdapterPool, keyof OriginalPool>>();
  holds<Same<keyof adapter.Promise<1>, keyof original.Promise<1>>>();
  holds<Same<Parameters<typeof adapter.worker>, Parameters<typeof original.worker>>>();
  holds<Same<Parameters<typeof adapter.workerEmit>, Parameters<typeof original.workerEmit>>>();

  given<(pool: Public<OriginalPool>) => void>()(
    given<
      Omit<AdapterPool, 'exec' | 'proxy' | 'terminate'> & Pick<OriginalPool, 'exec' | 'proxy' | 'terminate'>
    >(),
  );
  given<(promise: original.Promise<number>) => void>()(given<adapter.Promise<number>>());
  given<(error: original.TerminateError) => void>()(given<adapter.TerminateError>());
  given<(transfer: InstanceType<typeof original.Transfer>) => void>()(new adapter.Transfer({}, []));
  // A queue of the user is declared with the adapter's types, whose promises have private members.
  const options: adapter.WorkerPoolOptions = given<Omit<original.WorkerPoolOptions, 'queueStrategy'>>();
  const registered: adapter.WorkerRegisterOptions = given<original.WorkerRegisterOptions>();
  holds<Same<keyof adapter.WorkerPoolOptions, keyof original.WorkerPoolOptions>>();
  holds<Same<keyof adapter.WorkerRegisterOptions, keyof original.WorkerRegisterOptions>>();

  const pool = adapter.pool('script', options);
  adapter.pool(options);
  adapter.worker({ add: (a: number, b: number) => a + b }, registered);
  const sum: original.Promise<number> = pool.exec((a: number, b: number) => a + b, [1, 2], {
    on: () => 1,
    metadata: 5,
  });
  const proxied: original.Promise<original.Proxy<Methods>> = pool.proxy<Methods>();
  const ended: original.Promise<void> = pool.terminate(true, 5);
  const stats: ReturnType<OriginalPool['stats']> = pool.stats();
  const awaited: Promise<number> = (async () => await sum)();
  void [proxied, ended, stats, awaited];

  // @ts-expect-error -- too few arguments
  pool.exec((a: number, b: number) => a + b, [1]);
  // @ts-expect-error -- no such option
  adapter.pool({ workers: 5 });
}
