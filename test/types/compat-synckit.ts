/** The adapter's types against those of synckit itself. Checked by `npm run check:types`, never run. */
import type * as original from 'synckit';
import type * as adapter from 'forkful/compat/synckit';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Both<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
declare function holds<T extends true>(): T;

type Work = (path: string, lines?: number) => Promise<Map<string, number>>;

export function check(): void {
  holds<Both<typeof adapter.createSyncFn, typeof original.createSyncFn>>();
  holds<Equal<typeof adapter.runAsWorker<Work>, typeof original.runAsWorker<Work>>>();
  holds<
    Equal<ReturnType<typeof adapter.createSyncFn<Work>>, ReturnType<typeof original.createSyncFn<Work>>>
  >();
  holds<Equal<adapter.Syncify<Work>, original.Syncify<Work>>>();
  holds<Both<adapter.SynckitOptions, original.SynckitOptions>>();
  holds<Equal<keyof adapter.SynckitOptions, keyof original.SynckitOptions>>();
  holds<Both<adapter.GlobalShim, original.GlobalShim>>();
  holds<Equal<adapter.TsRunner, original.TsRunner>>();
  holds<Equal<typeof adapter.TsRunner, typeof original.TsRunner>>();
  holds<Exclude<keyof typeof adapter, keyof typeof original> extends never ? true : false>();
}
