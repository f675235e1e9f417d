/** The adapter's types against those of worker-farm itself. Checked by `npm run check:types`, never run. */
/* eslint-disable @typescript-eslint/no-require-imports -- a function that is a module's whole export */
import type original = require('worker-farm');
import type adapter = require('forkful/compat/worker-farm');

type Both<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
declare function holds<T extends true>(): T;

export function check(): void {
  holds<Both<typeof adapter, typeof original>>();
  holds<Both<adapter.FarmOptions, original.FarmOptions>>();
  holds<Both<adapter.Workers, original.Workers>>();
  holds<Both<adapter.WorkerCallback, original.WorkerCallback>>();
  holds<Exclude<keyof original.FarmOptions, keyof adapter.FarmOptions> extends never ? true : false>();
}
