import './index';
import { setTimeout } from 'node:timers/promises';
import type { Preload } from './backend/backend';
import type { Server } from './backend/native/forkserver/server';
import { standardResources } from './backend/native/forkserver/standard-streams';
import { runChild } from './child';
import { whileImporting } from './current';
import { load, type TargetReference } from './function-ref';
import { importModule } from './import-module';
import { beforeFork } from './on-fork';
import { noteDone, setProgramPreload } from './preload';
import { rehearse } from './rehearse';

async function exercise(warmup: TargetReference): Promise<void> {
  const loaded = await load(warmup);
  if ('call' in loaded) await loaded.call();
}

/** How long (ms) what is being closed may take to be so. */
const CLOSING = 50;

/** What is active that was not before. Not stdout and stderr, which many modules look at when they are loaded. */
async function leftActive(before: readonly string[]): Promise<string[]> {
  const end = performance.now() + CLOSING;
  for (;;) {
    const left = process.getActiveResourcesInfo();
    for (const resource of [...before, ...standardResources()])
      if (left.includes(resource)) left.splice(left.indexOf(resource), 1);
    if (left.length === 0 || performance.now() > end) return left;
    await setTimeout(1);
  }
}

/** Loads and warms up what children shall find loaded. */
export function prepare(preload: Preload, refuse: (reason: string) => never): Promise<void> {
  return whileImporting(() => loadAndWarmUp(preload, refuse));
}

async function loadAndWarmUp(
  { modules, warmups, onError }: Preload,
  refuse: (reason: string) => never,
): Promise<void> {
  const attempt = async (what: string, act: () => Promise<void>): Promise<void> => {
    try {
      await act();
    } catch (error) {
      const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
      if (onError === 'fail') refuse(`${what} failed: ${text}`);
      if (onError === 'warn') process.stderr.write(`forkful: in the forkserver ${what} failed: ${text}\n`);
    }
  };
  const before = process.getActiveResourcesInfo();
  for (const module of modules) {
    await attempt(`the preload of ${module}`, async () => {
      await importModule(module);
      noteDone(module);
    });
  }
  for (const warmup of warmups as TargetReference[]) {
    await attempt('the warm-up', async () => {
      await exercise(warmup);
      noteDone(warmup);
    });
  }
  await attempt('an onFork hook', beforeFork);
  const left = await leftActive(before);
  if (left.length > 0 && onError !== 'ignore') {
    process.stderr.write(
      `forkful: after the preload these are still active, and will be in each child: ${left.join(', ')}; ` +
        'end them in onFork({ before })\n',
    );
  }
}

/** Forks; returns in each child, when it has done its work. */
export async function serve(server: Server, preload: Preload): Promise<void> {
  setProgramPreload(preload); // children's own children come from here too
  await runChild(await server.serve(preload, rehearse));
}
