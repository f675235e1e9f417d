import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** What measures is no part of the library: programs of their own, which read their arguments themselves. */
const MAIN = join(__dirname, '..', '..', 'bench', 'main.mjs');

/** `forkful bench`, and its exit code. */
export async function bench(args: readonly string[]): Promise<number> {
  const child = spawn(process.execPath, [MAIN, ...args], { stdio: 'inherit' });
  const [code] = (await once(child, 'exit')) as [number | null];
  return code ?? 1;
}
