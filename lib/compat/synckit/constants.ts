import type { GlobalShim, ValueOf } from './types';

/** What compiles workers that are written in TypeScript. */
export const TsRunner = {
  Node: 'node',
  Bun: 'bun',
  TsNode: 'ts-node',
  EsbuildRegister: 'esbuild-register',
  EsbuildRunner: 'esbuild-runner',
  OXC: 'oxc',
  SWC: 'swc',
  TSX: 'tsx',
} as const;
export type TsRunner = ValueOf<typeof TsRunner>;

const { SYNCKIT_EXEC_ARGV, SYNCKIT_GLOBAL_SHIMS = '', SYNCKIT_TIMEOUT, SYNCKIT_TS_RUNNER } = process.env;

export const DEFAULT_TIMEOUT: number | undefined = SYNCKIT_TIMEOUT ? Number(SYNCKIT_TIMEOUT) : undefined;
export const DEFAULT_EXEC_ARGV: string[] = (SYNCKIT_EXEC_ARGV ?? '').split(',');
export const DEFAULT_TS_RUNNER = SYNCKIT_TS_RUNNER as TsRunner | undefined;
export const DEFAULT_GLOBAL_SHIMS: boolean = ['1', 'true'].includes(SYNCKIT_GLOBAL_SHIMS);
export const DEFAULT_GLOBAL_SHIMS_PRESET: GlobalShim[] = [
  { moduleName: 'node-fetch-native', globalName: 'fetch', named: 'fetch' },
  { moduleName: 'node:perf_hooks', globalName: 'performance', named: 'performance' },
];
