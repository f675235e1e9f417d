/** The adapter's types against those of jest-worker itself. Checked by `npm run check:types`, never run. */
import type * as original from 'jest-worker';
import type * as adapter from 'forkful/compat/jest-worker';

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;
type Both<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
declare function holds<T extends true>(): T;

type Methods = {
  add(a: number, b: number): number;
  load(path: string): Promise<Buffer>;
  setup(): void;
  notAMethod: number;
};
/** Classes with private members are the same to nobody else. */
type Public<T> = { [K in keyof T]: T[K] };

export function check(): void {
  holds<Equal<keyof typeof adapter, keyof typeof original>>();
  holds<Both<Public<adapter.Worker>, Public<original.Worker>>>();
  holds<Both<ConstructorParameters<typeof adapter.Worker>, ConstructorParameters<typeof original.Worker>>>();
  holds<Both<adapter.WorkerFarmOptions, original.WorkerFarmOptions>>();
  holds<Equal<keyof adapter.WorkerFarmOptions, keyof original.WorkerFarmOptions>>();
  holds<Both<adapter.WorkerPoolOptions, original.WorkerPoolOptions>>();
  holds<Both<adapter.WorkerPoolInterface, original.WorkerPoolInterface>>();
  holds<Both<adapter.TaskQueue, original.TaskQueue>>();
  holds<Both<adapter.PromiseWithCustomMessage<number>, original.PromiseWithCustomMessage<number>>>();
  holds<Both<typeof adapter.messageParent, typeof original.messageParent>>();
  holds<
    Both<
      ConstructorParameters<typeof adapter.PriorityQueue>,
      ConstructorParameters<typeof original.PriorityQueue>
    >
  >();
  holds<Both<Public<adapter.FifoQueue>, Public<original.FifoQueue>>>();
  holds<Both<Public<adapter.JestWorkerFarm<Methods>>, Public<original.JestWorkerFarm<Methods>>>>();
}
