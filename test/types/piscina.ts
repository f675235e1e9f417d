/** forkful/compat/piscina against the declarations of piscina. Checked by `npm run check:types`, never run. */
import type { EventEmitter, EventEmitterAsyncResource } from 'node:events';
import type * as original from 'piscina';
import * as adapter from 'forkful/compat/piscina';

type OriginalPool = original.Piscina<string, number>;
type AdapterPool = adapter.Piscina<string, number>;
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
declare function holds<T extends true>(...proof: T[]): void;
declare function given<T>(): T;

type OriginalOptions = NonNullable<ConstructorParameters<typeof original.Piscina>[0]>;
type AdapterOptions = NonNullable<ConstructorParameters<typeof adapter.Piscina>[0]>;
type OriginalRunOptions = NonNullable<Parameters<OriginalPool['run']>[1]>;
type AdapterRunOptions = NonNullable<Parameters<AdapterPool['run']>[1]>;
/** Queues and balancers of the user are declared with the adapter's types, whose symbols are its own. */
type WithoutPlugs<T> = Omit<T, 'loadBalancer' | 'taskQueue'>;
/** Beside those of every emitter, which return the class. */
type Own<T> = Omit<
  Pick<T, Exclude<keyof T, keyof EventEmitter>>,
  'options' | keyof EventEmitterAsyncResource
>;

/** What a program has from the adapter goes wherever it had that of the original. */
export async function check(): Promise<void> {
  holds<Same<keyof typeof adapter, keyof typeof original>>();
  holds<Same<keyof typeof adapter.Piscina, keyof typeof original.Piscina>>();
  holds<Same<keyof AdapterPool, keyof OriginalPool>>();
  holds<Same<keyof AdapterOptions, keyof OriginalOptions>>();
  holds<Same<keyof AdapterRunOptions, keyof OriginalRunOptions>>();
  holds<Same<keyof AdapterPool['options'], keyof OriginalPool['options']>>();
  given<(options: WithoutPlugs<AdapterOptions>) => void>()(given<WithoutPlugs<OriginalOptions>>());
  given<(options: AdapterRunOptions) => void>()(given<OriginalRunOptions>());
  given<(pool: Own<OriginalPool>) => void>()(given<AdapterPool>());
  holds<Same<keyof adapter.TaskQueue, keyof original.TaskQueue>>();
  holds<Same<keyof adapter.ArrayTaskQueue, keyof original.ArrayTaskQueue>>();
  holds<Same<Exclude<keyof original.FixedQueue, keyof adapter.FixedQueue>, 'head' | 'tail'>>(); // its buffers

  const pool = new adapter.Piscina<string, number>({
    loadBalancer: (task, workers) => workers.find(({ currentUsage }) => currentUsage < task.taskId) ?? null,
  });
  const result: number = await pool.run('task', { signal: AbortSignal.timeout(5), name: 'x' });
  void result;
  // @ts-expect-error -- of the wrong type
  await pool.run(5);
  // @ts-expect-error -- no such option
  new adapter.Piscina({ threads: 5 });
}
