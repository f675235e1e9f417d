import type { ResourceLimits } from 'node:worker_threads';
import { UnsupportedError } from '../../errors';
import type { WorkerOverrides } from '../../pool/each-worker';
import { limitFlags } from '../limits';
import type { WorkerArg } from './types';

const FORK_OPTIONS = [
  ...[
    'cwd',
    'detached',
    'env',
    'execPath',
    'execArgv',
    'gid',
    'serialization',
    'signal',
    'killSignal',
    'silent',
  ],
  ...['stdio', 'uid', 'windowsVerbatimArguments', 'timeout'],
];
const THREAD_OPTIONS = [
  ...['argv', 'env', 'eval', 'execArgv', 'stdin', 'stdout', 'stderr', 'workerData', 'trackUnmanagedFds'],
  ...['transferList', 'resourceLimits', 'name'],
];
/** What no process of a pool can have. */
const NOT_FOR_POOLS = ['execPath', 'uid', 'gid', 'eval'];

interface Given {
  readonly argv?: readonly unknown[];
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, unknown>> | symbol | null;
  readonly execArgv?: readonly string[];
  readonly resourceLimits?: ResourceLimits;
  readonly workerData?: unknown;
}

/** What a worker must know of how it was created. */
export interface WorkerSetup {
  readonly script: string | null;
  /** Its `process.argv.slice(2)`; undefined: as it is. */
  readonly args: readonly string[] | undefined;
  readonly workerData: unknown;
  readonly emitStdStreams: boolean;
  readonly terminateTimeout: number;
}

/** The part of a setup that is the same for all workers of a pool. */
export type CommonSetup = Pick<WorkerSetup, 'emitStdStreams' | 'terminateTimeout'>;

/**
 * How the pool starts a worker that was created so.
 * @throws Error for options that workerpool does not know either
 * @throws UnsupportedError for those that a pool's processes cannot have
 */
export function overridesFor(arg: WorkerArg, workerType: string, common: CommonSetup): WorkerOverrides {
  if (workerType === 'web') throw new Error('WorkerPool: Web Workers not supported');
  const isProcess = workerType === 'process';
  const name = isProcess ? 'forkOpts' : 'workerThreadOpts';
  const given = checked(name, arg[name], isProcess ? FORK_OPTIONS : THREAD_OPTIONS);
  const { cwd, env, execArgv, resourceLimits } = given;
  const flags = [...(execArgv ?? []), ...limitFlags(resourceLimits)];
  const setup: WorkerSetup = {
    ...common,
    script: arg.script ?? null,
    args: isProcess ? arg.forkArgs : given.argv?.map(String),
    workerData: given.workerData,
  };
  return {
    initargs: [setup],
    ...(cwd !== undefined && { cwd }),
    ...(typeof env === 'object' && env !== null && { env: asStrings(env) }),
    ...((execArgv !== undefined || flags.length > 0) && { execArgv: flags }),
  };
}

function checked(name: string, options: unknown, known: readonly string[]): Given {
  const given = (options ?? {}) as Given;
  const unknown = Object.keys(given).find((key) => !known.includes(key));
  if (unknown !== undefined) throw new Error(`Object "${name}" contains an unknown option "${unknown}"`);
  const inherited = known.find((key) => key in Object.prototype && !Object.hasOwn(given, key));
  if (inherited !== undefined) {
    throw new Error(
      `Object "${name}" contains an inherited option "${inherited}" which is not defined in the object itself but in its ` +
        'prototype. Only plain objects are allowed. Please remove the option from the prototype or override it with a ' +
        'value "undefined".',
    );
  }
  const impossible = NOT_FOR_POOLS.find((key) => (given as Record<string, unknown>)[key] !== undefined);
  if (impossible !== undefined) {
    throw new UnsupportedError(
      `"${impossible}" of ${name} is not for the processes of a forkful pool, which run the Node, and as the user, of this ` +
        'process; leave it out',
    );
  }
  return given;
}

function asStrings(env: Readonly<Record<string, unknown>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, String(value as number)]],
    ),
  );
}
