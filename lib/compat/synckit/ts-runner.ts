import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, extname, join, sep } from 'node:path';
import { TsRunner } from './constants';

/** The arguments of Node's with which it loads CommonJS and ES modules in TypeScript. */
const FLAGS: Readonly<
  Record<TsRunner, { readonly cjs: readonly string[]; readonly esm: readonly string[] }>
> = {
  [TsRunner.Node]: { cjs: [], esm: [] },
  [TsRunner.Bun]: { cjs: [], esm: [] },
  [TsRunner.TsNode]: { cjs: ['-r', 'ts-node/register'], esm: ['--loader', 'ts-node/esm'] },
  [TsRunner.EsbuildRegister]: {
    cjs: ['-r', 'esbuild-register'],
    esm: ['--loader', 'esbuild-register/loader'],
  },
  [TsRunner.EsbuildRunner]: {
    cjs: ['-r', 'esbuild-runner/register'],
    esm: ['-r', 'esbuild-runner/register'],
  },
  [TsRunner.OXC]: {
    cjs: ['--import', '@oxc-node/core/register'],
    esm: ['--import', '@oxc-node/core/register'],
  },
  [TsRunner.SWC]: { cjs: ['-r', '@swc-node/register'], esm: ['--import', '@swc-node/register/esm-register'] },
  [TsRunner.TSX]: { cjs: ['--import', 'tsx'], esm: ['--import', 'tsx'] },
};

/** Which file a worker is, and what Node needs to load it. A .ts beside a .js is the one, outside of node_modules. */
export function withRunner(
  path: string,
  asked: TsRunner | undefined,
): { readonly path: string; readonly flags: readonly string[] } {
  const worker = sourceOf(path);
  if (!/\.[cm]?ts$/.test(worker)) return { path: worker, flags: [] };
  const runner = asked ?? defaultRunner(worker);
  if (runner === undefined) throw new Error('No ts runner specified, ts worker path is not supported');
  const flags = FLAGS[runner] as (typeof FLAGS)[TsRunner] | undefined;
  if (flags === undefined) throw new Error(`Unknown ts runner: ${runner}`);
  return { path: worker, flags: isModule(worker) ? flags.esm : flags.cjs };
}

function sourceOf(path: string): string {
  const extension = extname(path);
  if (path.includes(`${sep}node_modules${sep}`) || !/^(\.[cm]?js)?$/.test(extension)) return path;
  const base = extension === '' ? path : path.slice(0, -extension.length);
  const source = `${base}.${extension.includes('m') ? 'm' : extension.includes('c') ? 'c' : ''}ts`;
  if (existsSync(source)) return source;
  return extension === '' && !existsSync(path) ? `${path}.js` : path;
}

function defaultRunner(worker: string): TsRunner | undefined {
  if ('typescript' in process.features && process.features.typescript !== false) return TsRunner.Node;
  try {
    createRequire(worker).resolve('ts-node');
    return TsRunner.TsNode;
  } catch {
    return undefined;
  }
}

function isModule(worker: string): boolean {
  const extension = extname(worker);
  if (extension !== '.ts') return extension === '.mts';
  for (let folder = dirname(worker); ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file))
      return (JSON.parse(readFileSync(file, 'utf8')) as { type?: string }).type === 'module';
    if (folder === dirname(folder)) return false;
  }
}
