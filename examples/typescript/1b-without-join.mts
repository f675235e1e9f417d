// Lesson 1b: nobody joins. The main program gets to its end first, and then waits for its children by itself,
// except for daemonic ones, which end with it.
//   node --import tsx examples/typescript/1b-without-join.mts
import { setTimeout as sleep } from 'node:timers/promises';
import { currentProcess, isMainProcess, Process } from 'forkful';

export async function work(ms: number): Promise<void> {
  console.log(`${currentProcess().name} works for ${ms} ms`);
  await sleep(ms);
  console.log(`${currentProcess().name} is done`);
}

if (isMainProcess) {
  for (const ms of [300, 600, 900]) await new Process({ target: work, args: [ms] }).start();
  await new Process({ target: work, args: [60_000], name: 'Daemon', daemon: true }).start();
  console.log('The main program is at its end, and has joined nobody');
  process.on('exit', () => console.log('The main program exits'));
}
