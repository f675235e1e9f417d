import { inline, type Process } from 'forkful';
import * as tasks from '../fixtures/tasks.js';
import { hasSignals } from '../where';
import { describeEach, errorOf, thrown, until } from './methods';

describeEach('Condition and Barrier', ({ context }) => {
  const { Process: P, Lock, Condition, Barrier, Queue } = context;
  const open: { close(): void }[] = [];
  const running: Process[] = [];

  function make<T extends { close(): void }>(object: T): T {
    open.push(object);
    return object;
  }

  async function start<A extends unknown[]>(target: (...args: A) => unknown, ...args: A): Promise<Process> {
    const process = new P({ target: inline(target), args }) as Process;
    running.push(process);
    await process.start();
    return process;
  }

  afterEach(async () => {
    for (const process of running.splice(0)) {
      process.kill('SIGKILL');
      await process.join();
    }
    for (const object of open.splice(0)) object.close();
  });

  test('wait gives up the lock, and has it again afterwards; without the lock it is an error', async () => {
    const lock = make(new Lock());
    const condition = make(new Condition(lock));
    expect((await errorOf(condition.wait())).code).toBe('ERR_FORKFUL_INVALID_STATE');
    expect(thrown(() => condition.waitSync()).code).toBe('ERR_FORKFUL_INVALID_STATE');
    expect(thrown(() => condition.notify()).code).toBe('ERR_FORKFUL_INVALID_STATE');
    await condition.acquire();
    const waiting = condition.wait();
    await until(() => !lock.locked());
    await condition.acquire();
    condition.notify();
    condition.release();
    expect(await waiting).toBe(true);
    expect(lock.locked()).toBe(true);
    expect(await condition.wait({ timeout: 10 })).toBe(false);
    expect(condition.waitSync({ timeout: 10 })).toBe(false);
    expect(lock.locked()).toBe(true);
    condition.release();
    expect(lock.locked()).toBe(false);
  });

  test('notify wakes as many as it says, notifyAll all; waitFor looks after each', async () => {
    const condition = make(new Condition());
    const told = make(new Queue<number>());
    const processes = await Promise.all(
      [0, 1, 2].map((id) =>
        start(
          async (condition, told, id: number) => {
            if (id === 1) {
              condition.acquireSync();
              told.putSync(-1);
              condition.waitSync();
              told.putSync(id);
              condition.release();
            } else {
              await condition.run(async () => {
                told.putSync(-1);
                await condition.wait();
                told.putSync(id);
              });
            }
          },
          condition,
          told,
          id,
        ),
      ),
    );
    for (let i = 0; i < 3; i++) expect(await told.get()).toBe(-1);
    await condition.run(() => {
      condition.notify();
    });
    const first = await told.get();
    expect(told.empty()).toBe(true);
    await condition.run(() => {
      condition.notifyAll();
    });
    expect([first, await told.get(), await told.get()].sort()).toEqual([0, 1, 2]);
    for (const process of processes) await process.join();
    let ready = false;
    const waitFor = condition.run(() => condition.waitFor(() => ready && 'ready'));
    for (let round = 0; round < 2; round++) {
      await condition.run(() => {
        ready = round === 1;
        condition.notifyAll();
      });
    }
    expect(await waitFor).toBe('ready');
    expect(await condition.run(() => condition.waitFor(() => false, { timeout: 20 }))).toBe(false);
  });

  test('a timed-out wait has not used up a notification, and a killed one passes it on', async () => {
    const condition = make(new Condition());
    const told = make(new Queue<string>());
    await condition.acquire();
    expect(await condition.wait({ timeout: 10 })).toBe(false);
    condition.release();
    const victim = await start(
      async (condition, told) => {
        await condition.acquire();
        told.putSync('waits');
        await condition.wait();
        told.putSync('woken');
      },
      condition,
      told,
    );
    await told.get();
    await condition.acquire();
    const next = condition.wait({ timeout: 20_000 });
    await until(() => !condition.locked());
    await condition.acquire();
    if (hasSignals) victim.kill('SIGSTOP');
    victim.kill('SIGKILL');
    condition.notify(); // the victim came first
    condition.release();
    expect(await next).toBe(true);
    condition.release();
  });

  test('a barrier: all indexes, the action once, a hundred passes', async () => {
    const barrier = make(new Barrier(3, { action: tasks.self }));
    expect([barrier.parties, barrier.nWaiting, barrier.broken]).toEqual([3, 0, false]);
    const rounds = 100;
    const processes = await Promise.all(
      [true, false].map((sync) =>
        start(
          async (barrier, rounds: number, sync: boolean) => {
            const indexes: number[] = [await barrier.wait()];
            for (let i = 1; i < rounds; i++) indexes.push(sync ? barrier.waitSync() : await barrier.wait());
            return indexes;
          },
          barrier,
          rounds,
          sync,
        ),
      ),
    );
    const mine: number[] = [];
    for (let i = 0; i < rounds; i++) mine.push(await barrier.wait());
    const all = [mine, ...(await Promise.all(processes.map((process) => process.result())))] as number[][];
    for (let i = 0; i < rounds; i++) expect(all.map((indexes) => indexes[i]).sort()).toEqual([0, 1, 2]);
    expect(barrier.nWaiting).toBe(0);
  });

  test('abort, timeout and reset break it for all, with the reason', async () => {
    const barrier = make(new Barrier(2));
    const reasonOf = async (wait: Promise<number>) => (await errorOf(wait))['reason'];
    let waiting = reasonOf(barrier.wait());
    await until(() => barrier.nWaiting === 1);
    barrier.abort();
    expect(await waiting).toBe('aborted');
    expect(barrier.broken).toBe(true);
    expect(await reasonOf(barrier.wait())).toBe('aborted');
    barrier.reset();
    expect(barrier.broken).toBe(false);
    waiting = reasonOf(barrier.wait());
    await until(() => barrier.nWaiting === 1);
    barrier.reset();
    expect(await waiting).toBe('reset');
    expect(await reasonOf(barrier.wait({ timeout: 10 }))).toBe('timeout');
    expect(thrown(() => barrier.waitSync()).code).toBe('ERR_FORKFUL_BROKEN_BARRIER');
    barrier.reset();
    expect((await Promise.all([barrier.wait(), barrier.wait()])).sort()).toEqual([0, 1]);
  });

  test('a failing action breaks it; its error goes to the one that ran it', async () => {
    const barrier = make(
      new Barrier(2, {
        action: () => {
          throw new Error('no');
        },
      }),
    );
    const outcomes = await Promise.allSettled([barrier.wait(), barrier.wait()]);
    const errors = outcomes.map(
      (one) => (one as PromiseRejectedResult).reason as Error & { reason?: string },
    );
    expect(errors.map((error) => error.reason ?? error.message).sort()).toEqual(['action', 'no']);
  });

  test('a party that is killed while it waits breaks it', async () => {
    const barrier = make(new Barrier(3));
    const victim = await start(async (barrier) => barrier.wait(), barrier);
    const waiting = errorOf(barrier.wait());
    await until(() => barrier.nWaiting === 2);
    victim.kill('SIGKILL');
    expect((await waiting)['reason']).toBe('died');
  });

  test('an aborted wait breaks it', async () => {
    const barrier = make(new Barrier(2));
    const controller = new AbortController();
    const reason = new Error('changed my mind');
    const waiting = errorOf(barrier.wait({ signal: controller.signal }));
    await until(() => barrier.nWaiting === 1);
    controller.abort(reason);
    expect(await waiting).toBe(reason);
    expect(barrier.broken).toBe(true);
  });
});
