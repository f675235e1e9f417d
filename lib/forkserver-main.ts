import './become-child';
import './backend/choose-native';
import './index';
import { beLazyAgain } from './eager';
import { setTimeout } from 'node:timers/promises';
import { pathToFileURL } from 'node:url';
import { isAbsolute } from 'node:path';
import { standardResources } from './backend/native/forkserver/standard-streams';
import { Server } from './backend/native/forkserver/server';
import { runChild } from './child';
import { noteDone, setProgramPreload } from './preload';
import type { Preload } from './backend/backend';
import { whileImporting } from './current';
import { load, type TargetReference } from './function-ref';
import { beforeFork } from './on-fork';
import { rehearse } from './rehearse';

/** The program of a forkserver: loads what its children shall find loaded, then only ever forks. */

async function loadModule(module: string): Promise<void> {
  await import(isAbsolute(module) ? pathToFileURL(module).href : module);
}

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

async function prepare(
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
      await loadModule(module);
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

async function main(): Promise<void> {
  beLazyAgain();
  // Ctrl-C is for the program itself.
  const ignore = () => undefined;
  process.on('SIGINT', ignore);
  // What `ps`, `top` and `pstree` show; each child has a title of its own.
  process.title = 'node: forkserver';
  const server = await Server.create();
  const preload = JSON.parse(process.argv[2] ?? '') as Preload;
  await whileImporting(() => prepare(preload, (reason) => server.refuse(reason)));
  process.off('SIGINT', ignore);
  setProgramPreload(preload); // children's own children come from here too
  await runChild(await server.serve(preload, rehearse));
}

void main();
