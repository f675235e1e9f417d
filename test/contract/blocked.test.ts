import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inline, type Process } from 'forkful';
import * as queues from '../fixtures/queues.js';
import { argumentsFor, describeEach, exists, startBlocking, until } from './methods';

const library = createRequire(__filename).resolve('forkful');

/** Waits without ever returning to the event loop. */
function blockUntil(condition: () => boolean): void {
  const end = Date.now() + 20_000;
  const pause = new Int32Array(new SharedArrayBuffer(4));
  while (!condition()) {
    if (Date.now() > end) throw new Error('the condition did not come true within 20 s');
    Atomics.wait(pause, 0, 0, 2);
  }
}

describeEach('a main process that does nothing for the others', ({ method, context }) => {
  const { Process: P, Queue, Pipe, Lock } = context;

  test('two children talk to each other while its thread is blocked', async () => {
    const [there, back, done] = [new Queue<number>(), new Queue<number>(), new Queue<number>()];
    const lock = new Lock();
    const echo = new P({
      target: inline((there, back, lock) => {
        for (let n = there.getSync(); n >= 0; n = there.getSync()) {
          lock.acquireSync();
          back.putSync(n + 1);
          lock.release();
        }
      }),
      args: [there, back, lock],
    }) as Process;
    const caller = new P({
      target: inline(async (there, back, done, lock) => {
        let sum = 0;
        for (let i = 0; i < 50; i++) {
          await lock.run(() => there.put(i));
          sum += await back.get();
        }
        there.putSync(-1);
        done.putSync(sum);
      }),
      args: [there, back, done, lock],
    }) as Process;
    await startBlocking(echo, method);
    await startBlocking(caller, method);
    expect(done.getSync({ timeout: 20_000 })).toBe(1275);
    expect(echo.joinSync({ timeout: 20_000 })).toBe(true);
    expect(caller.joinSync({ timeout: 20_000 })).toBe(true);
    for (const object of [there, back, done, lock]) object.close();
  });

  test('what it puts or sends synchronously is on its way, whatever its thread does next', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'forkful-blocked-'));
    const queue = new Queue<string>();
    const [near, far] = Pipe<string, string>();
    const echo = new P({
      target: queues.leaveTraces,
      args: [queue, far, directory],
    }) as Process;
    await startBlocking(echo, method);
    queue.putSync('one');
    blockUntil(() => existsSync(join(directory, 'one')));
    queue.putManySync(['two', 'three']);
    blockUntil(() => existsSync(join(directory, 'three')));
    near.sendSync('four');
    blockUntil(() => existsSync(join(directory, 'four')));
    expect(echo.joinSync({ timeout: 20_000 })).toBe(true);
    for (const object of [queue, near, far]) object.close();
    rmSync(directory, { recursive: true });
  });

  test('when it is killed, its children end, busy or not, and theirs too', async () => {
    const program = `
      const { Process, Queue, getContext, inline } = require(${JSON.stringify(library)});
      const { Process: P } = getContext(${JSON.stringify(method)});
      const pids = new Queue();
      const busy = inline((pids) => { pids.putSync(process.pid); for (;;); });
      const parent = inline(async (pids, library, method) => {
        const { default: forkful } = await import(library);
        const { Process } = forkful.getContext(method);
        const child = new Process({ target: forkful.inline((pids) => { pids.putSync(process.pid); for (;;); }), args: [pids] });
        await child.start();
        pids.putSync(process.pid);
        await new Promise(() => setInterval(() => undefined, 1000));
      });
      void (async () => {
        await new P({ target: busy, args: [pids] }).start();
        await new P({ target: parent, args: [pids, ${JSON.stringify(library)}, ${JSON.stringify(method)}] }).start();
        console.log(JSON.stringify([pids.getSync(), pids.getSync(), pids.getSync()]));
        setInterval(() => undefined, 1000);
      })();`;
    const main = spawn(process.execPath, [...argumentsFor(method), '-e', program], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(main.stdout, 'data')) as [Buffer];
    const pids = JSON.parse(line.toString()) as number[];
    expect(pids.filter(exists)).toHaveLength(3);
    main.kill('SIGKILL');
    await until(() => pids.every((pid) => !exists(pid)));
  });
});
