import { readFileSync } from 'node:fs';
import { inline, type Process } from 'forkful';
import * as tasks from '../fixtures/tasks.js';
import { hasSignals } from '../where';
import { describeEach, errorOf, thrown, until } from './methods';
import { tidily } from './tidily';

/** System calls by which a thread waits: futex, poll and epoll_wait in their forms, on x64 and on arm64. */
const SLEEPS = new Set(['202', '7', '271', '232', '281', '441', '98', '73', '22']);

/**
 * Stops a process that waits, but not in the midst of its look at what it waits for, every now and then: whoever is
 * stopped there holds a lock.
 */
async function stopAsleep(victim: Process): Promise<void> {
  const of = (file: string) => readFileSync(`/proc/${String(victim.pid)}/${file}`, 'utf8');
  for (;;) {
    victim.kill('SIGSTOP');
    await until(() => of('stat').includes(') T'));
    if (SLEEPS.has(of('syscall').split(' ')[0] ?? '')) return;
    victim.kill('SIGCONT');
    await until(() => !of('stat').includes(') T'));
  }
}

describeEach('Condition and Barrier', ({ context }) => {
  const { Process: P, Lock, Condition, Barrier, Queue } = context;
  const { closing: make, running } = tidily();
  const start = <A extends unknown[]>(target: (...args: A) => unknown, ...args: A) =>
    running(new P({ target: inline(target), args }) as Process);

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

  test('a notification of a process that is killed before it noticed goes to the next one', async () => {
    const condition = make(new Condition());
    const told = make(new Queue<string>());
    const victim = await start(
      async (condition, told) => {
        condition.acquireSync();
        told.putSync('waits');
        condition.waitSync();
      },
      condition,
      told,
    );
    await told.get();
    await condition.acquire(); // when the victim waits
    const next = condition.wait({ timeout: 20_000 });
    await until(() => !condition.locked());
    await stopAsleep(victim);
    await condition.run(() => {
      condition.notify();
    });
    victim.kill('SIGKILL');
    expect(await next).toBe(true);
    condition.release();
  });

  test('an aborted wait has the lock again, however often it was acquired; predicates may be asynchronous', async () => {
    const condition = make(new Condition());
    condition.acquireSync();
    condition.acquireSync();
    const controller = new AbortController();
    const reason = new Error('changed my mind');
    const aborted = errorOf(condition.wait({ signal: controller.signal }));
    await until(() => !condition.locked());
    controller.abort(reason);
    expect(await aborted).toBe(reason);
    condition.release();
    expect(condition.locked()).toBe(true);
    condition.release();
    expect(condition.locked()).toBe(false);
    let looks = 0;
    const waiting = condition.run(() =>
      condition.waitFor(async () => Promise.resolve(++looks >= 2 && looks)),
    );
    await until(() => looks === 1);
    await condition.run(() => {
      condition.notifyAll();
    });
    expect(await waiting).toBe(2);
    expect((await errorOf(condition.waitFor(() => true))).code).toBe('ERR_FORKFUL_INVALID_STATE');
    expect(thrown(() => new Condition({} as never)).code).toBe('ERR_FORKFUL_INVALID_ARGUMENT');
  });

  test('a condition and its lock arrive as the same two', async () => {
    const lock = make(new Lock());
    const condition = make(new Condition(lock));
    lock.acquireSync();
    const child = await start(
      (lock, condition) => {
        lock.acquireSync();
        condition.notify();
        lock.release();
        return 'notified';
      },
      lock,
      condition,
    );
    expect(condition.waitSync({ timeout: 20_000 })).toBe(true);
    expect(await child.result()).toBe('notified');
    lock.release();
  });

  test('calls that wait reject when their handle is closed', async () => {
    const [condition, barrier, event] = [
      make(new Condition()),
      make(new Barrier(2)),
      make(new context.Event()),
    ];
    await condition.acquire();
    const closed = [condition.wait(), barrier.wait(), event.wait()].map(errorOf);
    await until(() => barrier.nWaiting === 1 && !condition.locked());
    const other = await start(async (barrier) => {
      while (!barrier.broken) await new Promise((resolve) => setTimeout(resolve, 5));
    }, barrier);
    for (const object of [condition, barrier, event]) object.close();
    for (const error of closed) expect((await error).code).toBe('ERR_FORKFUL_CLOSED');
    expect(await other.result()).toBeUndefined();
    expect(thrown(() => event.set()).code).toBe('ERR_FORKFUL_CLOSED');
    expect(thrown(() => barrier.abort()).code).toBe('ERR_FORKFUL_CLOSED');
  });

  test('a barrier: all indexes, the action once, a thousand passes', async () => {
    const barrier = make(new Barrier(3, { action: tasks.countHere }));
    expect([barrier.parties, barrier.nWaiting, barrier.broken]).toEqual([3, 0, false]);
    const rounds = 1000;
    const before = tasks.countedHere();
    const processes = await Promise.all(
      [true, false].map((sync) =>
        start(
          async (barrier, rounds: number, sync: boolean) => {
            const indexes: number[] = [];
            for (let i = 0; i < rounds; i++) indexes.push(sync ? barrier.waitSync() : await barrier.wait());
            return { indexes, actions: (globalThis as { counted?: number }).counted ?? 0 };
          },
          barrier,
          rounds,
          sync,
        ),
      ),
    );
    const mine: number[] = [];
    for (let i = 0; i < rounds; i++) mine.push(await barrier.wait());
    type Done = { indexes: number[]; actions: number };
    const theirs = (await Promise.all(processes.map((process) => process.result()))) as Done[];
    const all = [mine, ...theirs.map(({ indexes }) => indexes)];
    expect(theirs.reduce((sum, { actions }) => sum + actions, tasks.countedHere() - before)).toBe(rounds);
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

  test('a reset during the action: all are told, the last one too', async () => {
    let goOn: () => void = () => undefined;
    let isActing = false;
    const action = () => {
      isActing = true;
      return new Promise<void>((resolve) => (goOn = resolve));
    };
    const barrier = make(new Barrier(2, { action }));
    const waits = [errorOf(barrier.wait()), errorOf(barrier.wait())];
    await until(() => isActing);
    barrier.reset();
    goOn();
    expect((await Promise.all(waits)).map(({ reason }) => reason)).toEqual(['reset', 'reset']);
    expect(barrier.broken).toBe(false);
    isActing = false;
    const again = Promise.all([barrier.wait(), barrier.wait()]);
    await until(() => isActing);
    goOn();
    expect((await again).sort()).toEqual([0, 1]);
  });

  test('timeouts: of the barrier, of the call, while the last one is stopped', async () => {
    const barrier = make(new Barrier(2, { timeout: 20 }));
    const reasonOf = async (wait: Promise<number>) => (await errorOf(wait))['reason'];
    expect(await reasonOf(barrier.wait({ timeout: undefined as never }))).toBe('timeout');
    barrier.reset();
    expect((thrown(() => barrier.waitSync()) as { reason?: string }).reason).toBe('timeout');
    barrier.reset();
    expect((thrown(() => barrier.waitSync({ timeout: -1 })) as { reason?: string }).reason).toBe('timeout');
    expect(thrown(() => barrier.waitSync(5 as never)).code).toBe('ERR_FORKFUL_INVALID_ARGUMENT');
    expect((await errorOf(barrier.wait({ timeout: 'x' } as never))).code).toBe(
      'ERR_FORKFUL_INVALID_ARGUMENT',
    );
    barrier.reset();
    const acting = make(new context.Event());
    const stopping = make(new Barrier(2, { action: inline(() => process.kill(process.pid, 'SIGSTOP')) }));
    const waiting = stopping.wait({ timeout: 1500 });
    await until(() => stopping.nWaiting === 1);
    const stopped = await start(
      async (barrier, acting) => {
        acting.set();
        return barrier.wait().catch((error: { reason: string }) => error.reason);
      },
      stopping,
      acting,
    );
    await acting.wait();
    expect(await reasonOf(waiting)).toBe('timeout');
    expect(stopping.broken).toBe(true);
    stopped.kill('SIGCONT');
    expect(await stopped.result()).toBe('timeout');
  });

  test('waitSync() cannot wait for an action', async () => {
    const barrier = make(new Barrier(2, { action: () => Promise.reject(new Error('never seen')) }));
    const other = errorOf(barrier.wait());
    await until(() => barrier.nWaiting === 1);
    expect(thrown(() => barrier.waitSync()).message).toMatch(/promise.*await wait\(\)/);
    expect((await other)['reason']).toBe('action');
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
