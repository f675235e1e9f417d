import { Farm } from './farm';
import type * as types from './types';

type Arguments =
  | [name: string, exportedMethods?: readonly string[]]
  | [options: types.FarmOptions, name: string, exportedMethods?: readonly string[]];

const farms = new WeakMap<object, Farm>();

/* eslint-disable @typescript-eslint/unified-signatures -- as worker-farm declares them */
function farm(name: string): farm.Workers;
function farm(name: string, exportedMethods: string[]): farm.Workers;
function farm(options: farm.FarmOptions, name: string): farm.Workers;
function farm(options: farm.FarmOptions, name: string, exportedMethods: string[]): farm.Workers;
/** A pool for a module: one function, or an object of those that are named. */
function farm(...args: Arguments): farm.Workers {
  const [options, path, methods] =
    typeof args[0] === 'string'
      ? [{}, args[0], args[1] as readonly string[] | undefined]
      : [args[0], args[1] as string, args[2]];
  const made = new Farm(options, path);
  const api: object =
    methods === undefined
      ? made.handle()
      : Object.fromEntries(methods.map((method) => [method, made.handle(method)]));
  farms.set(api, made);
  return api as farm.Workers;
}

// eslint-disable-next-line @typescript-eslint/no-namespace -- as worker-farm declares it
namespace farm {
  export type Workers = types.Workers;
  export type FarmOptions = types.FarmOptions;
  export type WorkerCallback = types.WorkerCallback;

  /** Takes no more calls; calls back when all are done and the workers are gone. */

  export function end(workers: Workers, callback?: Function): void {
    const made = farms.get(workers);
    if (made === undefined) {
      process.nextTick(() => callback?.(new Error('Worker farm not found!')) as unknown);
      return;
    }
    void made.end().then(() => process.nextTick(() => callback?.() as unknown));
  }
}

export = farm;
