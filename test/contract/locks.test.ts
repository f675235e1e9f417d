import { readdirSync } from 'node:fs';
import { inline, type Process } from 'forkful';
import { linuxTest, signalTest } from '../where';
import { describeEach, errorOf, thrown, until } from './methods';
import { tidily } from './tidily';

describeEach('Lock, RLock, Semaphore, Event', ({ context }) => {
  const { Process: P, Lock, RLock, Semaphore, BoundedSemaphore, Event, Queue } = context;
  const { closing: make, running } = tidily();
  const start = <A extends unknown[]>(target: (...args: A) => unknown, ...args: A) =>
    running(new P({ target: inline(target), args }) as Process);

  test('a lock: acquire, release, locked; over-release is an error; anybody may release', async () => {
    const lock = make(new Lock());
    expect(lock.locked()).toBe(false);
    expect(await lock.acquire()).toBe(true);
    expect(lock.locked()).toBe(true);
    expect(lock.acquireSync({ timeout: 0 })).toBe(false);
    expect(await lock.acquire({ timeout: 0 })).toBe(false);
    expect(lock.acquireSync({ timeout: -5 })).toBe(false);
    expect(await lock.acquire({ timeout: 20 })).toBe(false);
    const other = await start((lock: InstanceType<typeof Lock>) => {
      lock.release();
    }, lock);
    await other.join();
    expect(lock.locked()).toBe(false);
    expect(thrown(() => lock.release()).code).toBe('ERR_FORKFUL_INVALID_STATE');
    expect(await lock.run(() => lock.locked())).toBe(true);
    expect(lock.locked()).toBe(false);
    expect((await errorOf(lock.run(() => Promise.reject(new Error('inside'))))).message).toBe('inside');
    expect(lock.locked()).toBe(false);
  });

  test('who waits first comes first; waiters in one process and several', async () => {
    const lock = make(new Lock());
    lock.acquireSync();
    const order: number[] = [];
    const waits = [1, 2, 3].map(async (n) => {
      await lock.acquire();
      order.push(n);
      lock.release();
    });
    lock.release();
    await Promise.all(waits);
    expect(order).toEqual([1, 2, 3]);
  });

  test('four processes count to the same number under a lock, and none of them starves', async () => {
    const lock = make(new Lock());
    const value = make(new Queue<number>());
    const turns = make(new Queue<number>());
    await value.put(0);
    const processes = await Promise.all(
      [0, 1, 2, 3].map((id) =>
        start(
          async (id: number, lock, value, turns) => {
            for (let i = 0; i < 50; i++) {
              if (i % 2 === 0) await lock.acquire();
              else lock.acquireSync();
              // Not safe but for the lock.
              const seen = value.getSync();
              value.putSync(seen + 1);
              turns.putSync(id);
              lock.release();
            }
          },
          id,
          lock,
          value,
          turns,
        ),
      ),
    );
    for (const process of processes) expect(await process.result()).toBeUndefined();
    expect(await value.get()).toBe(200);
    expect(turns.getManySync(200).sort()).toEqual([0, 1, 2, 3].flatMap((id) => Array<number>(50).fill(id)));
  });

  test.each([
    ['a lock', () => new Lock()],
    ['a semaphore', () => new Semaphore(1)],
    ['a semaphore of more units', () => new Semaphore(2)],
  ])('who acquires %s without a pause starves nobody', async (_, of) => {
    const lock = make(of());
    while (lock.acquireSync({ timeout: 0 }));
    lock.release();
    const [begun, ended] = [make(new Semaphore(0)), make(new Event())];
    const greedy = await Promise.all(
      [0, 1].map(() =>
        start(
          (lock, begun, ended) => {
            begun.release();
            while (!ended.isSet()) {
              for (let i = 0; i < 10; i++) {
                lock.acquireSync();
                lock.release();
              }
            }
          },
          lock,
          begun,
          ended,
        ),
      ),
    );
    for (let i = 0; i < greedy.length; i++) await begun.acquire();
    for (let i = 0; i < 30; i++) {
      if (i % 2 === 0) expect(await lock.acquire({ timeout: 20_000 })).toBe(true);
      else expect(lock.acquireSync({ timeout: 20_000 })).toBe(true);
      lock.release();
    }
    ended.set();
    for (const process of greedy) expect(await process.result()).toBeUndefined();
  });

  test('a killed holder frees the lock, and the next one can tell', async () => {
    const lock = make(new Lock());
    const told = make(new Queue<string>());
    const holder = await start(
      async (lock, told) => {
        await lock.acquire();
        told.putSync('held');
        await new Promise(() => setInterval(() => undefined, 1000));
      },
      lock,
      told,
    );
    await told.get();
    expect(lock.acquireSync({ timeout: 0 })).toBe(false);
    const waiting = lock.acquire({ timeout: 20_000 });
    holder.kill('SIGKILL');
    expect(await waiting).toBe(true);
    expect(lock.ownerDied).toBe(true);
    lock.release();
    lock.acquireSync();
    expect(lock.ownerDied).toBe(false);
    lock.release();
    expect(lock.locked()).toBe(false);
  });

  test('who waits has the lock soon after its holder was killed', async () => {
    const delays: number[] = [];
    for (let i = 0; i < 3; i++) {
      const lock = make(new Lock());
      const told = make(new Queue<string>());
      const holder = await start(
        async (lock, told) => {
          lock.acquireSync();
          told.putSync('held');
          await new Promise(() => setInterval(() => undefined, 1000));
        },
        lock,
        told,
      );
      await told.get();
      const waiting = lock.acquire({ timeout: 20_000 });
      const killed = performance.now();
      holder.kill('SIGKILL');
      expect(await waiting).toBe(true);
      delays.push(performance.now() - killed);
    }
    // 100 ms are promised; a busy machine may be late once or twice, and is given some.
    expect(Math.min(...delays)).toBeLessThan(250);
  });

  test('a lock that was released for another process is not given away twice when that is killed', async () => {
    const lock = make(new Lock());
    const told = make(new Queue<string>());
    const holder = await start(
      async (lock, told) => {
        lock.acquireSync();
        told.putSync('held');
        await new Promise(() => setInterval(() => undefined, 1000));
      },
      lock,
      told,
    );
    await told.get();
    lock.release();
    expect(lock.acquireSync({ timeout: 0 })).toBe(true);
    holder.kill('SIGKILL');
    await holder.join();
    expect(lock.acquireSync({ timeout: 200 })).toBe(false);
    lock.release();
    const releaser = await start(
      async (lock, told) => {
        told.putSync('up');
        while (!lock.locked()) await new Promise((resolve) => setTimeout(resolve, 1));
        lock.release();
        lock.acquireSync();
        told.putSync('held');
        await new Promise(() => setInterval(() => undefined, 1000));
      },
      lock,
      told,
    );
    expect(await told.get()).toBe('up');
    lock.acquireSync();
    expect(await told.get()).toBe('held');
    releaser.kill('SIGKILL');
    expect(lock.acquireSync({ timeout: 20_000 })).toBe(true);
    expect(lock.ownerDied).toBe(true);
  });

  test('a killed holder frees the lock for who blocks', async () => {
    const lock = make(new Lock());
    const told = make(new Queue<string>());
    const holder = await start(
      async (lock, told) => {
        lock.acquireSync();
        told.putSync('held');
        await new Promise(() => setInterval(() => undefined, 1000));
      },
      lock,
      told,
    );
    told.getSync();
    holder.kill('SIGKILL');
    expect(lock.acquireSync({ timeout: 20_000 })).toBe(true);
    expect(lock.ownerDied).toBe(true);
  });

  test('a killed waiter takes nothing with it', async () => {
    const lock = make(new Lock());
    const told = make(new Queue<string>());
    lock.acquireSync();
    const waiters = await Promise.all(
      [true, false].map((sync) =>
        start(
          async (lock, told, sync: boolean) => {
            told.putSync('waits');
            if (sync) lock.acquireSync();
            else await lock.acquire();
          },
          lock,
          told,
          sync,
        ),
      ),
    );
    await told.get();
    await told.get();
    for (const waiter of waiters) {
      waiter.kill('SIGKILL');
      await waiter.join();
    }
    lock.release();
    expect(await lock.acquire({ timeout: 20_000 })).toBe(true);
  });

  signalTest('a stopped holder: others time out', async () => {
    const lock = make(new Lock());
    const told = make(new Queue<string>());
    const holder = await start(
      async (lock, told) => {
        lock.acquireSync();
        told.putSync('held');
        await new Promise(() => setInterval(() => undefined, 1000));
      },
      lock,
      told,
    );
    await told.get();
    holder.kill('SIGSTOP');
    expect(lock.acquireSync({ timeout: 50 })).toBe(false);
    expect(await lock.acquire({ timeout: 50 })).toBe(false);
    holder.kill('SIGCONT');
  });

  test('aborted and closed waits', async () => {
    const lock = make(new Lock());
    lock.acquireSync();
    const controller = new AbortController();
    const reason = new Error('changed my mind');
    const aborted = errorOf(lock.acquire({ signal: controller.signal }));
    controller.abort(reason);
    expect(await aborted).toBe(reason);
    expect(await errorOf(lock.acquire({ signal: controller.signal }))).toBe(reason);
    lock.release();
    expect(lock.locked()).toBe(false);
    lock.acquireSync();
    const closed = errorOf(lock.acquire());
    lock.close();
    lock.close();
    expect((await closed).code).toBe('ERR_FORKFUL_CLOSED');
    expect(thrown(() => lock.locked()).code).toBe('ERR_FORKFUL_CLOSED');
    expect((await errorOf(lock.acquire())).code).toBe('ERR_FORKFUL_CLOSED');
  });

  test('an un-awaited acquire comes before a later Sync one', async () => {
    const lock = make(new Lock());
    const first = lock.acquire();
    expect(lock.acquireSync({ timeout: 20 })).toBe(false);
    expect(await first).toBe(true);
  });

  test('what is granted while the handle is being closed goes to the next one', async () => {
    const lock = make(new Lock());
    const told = make(new Queue<string>());
    const order = make(new Queue<string>());
    const holder = await start(
      async (lock, told, order) => {
        lock.acquireSync();
        told.putSync('held');
        order.getSync();
        lock.release();
        told.putSync('released');
        order.getSync();
        return lock.acquireSync({ timeout: 20_000 });
      },
      lock,
      told,
      order,
    );
    await told.get();
    const closed = errorOf(lock.acquire());
    order.putSync('release');
    await order.flush();
    // The event loop stands still: it does not learn of the grant before the lock is closed.
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 300);
    lock.close();
    expect((await closed).code).toBe('ERR_FORKFUL_CLOSED');
    await told.get();
    order.putSync('acquire');
    expect(await holder.result()).toBe(true);
  });

  test('semaphores count, and a bounded one not above its value', async () => {
    const semaphore = make(new Semaphore(2));
    expect(semaphore.value).toBe(2);
    semaphore.acquireSync();
    await semaphore.acquire();
    expect(semaphore.value).toBe(0);
    expect(semaphore.locked()).toBe(true);
    expect(semaphore.acquireSync({ timeout: 0 })).toBe(false);
    semaphore.release(3);
    expect(semaphore.value).toBe(3);
    const bounded = make(new BoundedSemaphore(2));
    bounded.acquireSync();
    bounded.release();
    expect(thrown(() => bounded.release()).code).toBe('ERR_FORKFUL_INVALID_STATE');
    expect(bounded.value).toBe(2);
    const none = make(new BoundedSemaphore(0));
    expect(thrown(() => none.release()).code).toBe('ERR_FORKFUL_INVALID_STATE');
    expect(none.value).toBe(0);
    expect(thrown(() => new Semaphore(-1)).code).toBe('ERR_FORKFUL_INVALID_ARGUMENT');
    expect(make(new BoundedSemaphore(2 ** 31 - 1)).value).toBe(2 ** 31 - 1);
    expect(thrown(() => new Semaphore(1.5)).code).toBe('ERR_FORKFUL_INVALID_ARGUMENT');
    expect(thrown(() => semaphore.acquireSync({ wait: 1 } as never)).message).toMatch(/"wait".*"timeout"/);
    expect(thrown(() => new Lock({ nme: 'x' } as never)).message).toMatch(/"nme".*"name"/);
    expect(thrown(() => new (RLock as unknown as new (options: object) => unknown)({ name: 'x' })).code).toBe(
      'ERR_FORKFUL_INVALID_ARGUMENT',
    );
  });

  test('units of the dead return, and never more than there were', async () => {
    const semaphore = make(new Semaphore(3));
    const told = make(new Queue<string>());
    const holder = await start(
      async (semaphore, told) => {
        semaphore.acquireSync();
        semaphore.acquireSync();
        told.putSync('held');
        await new Promise(() => setInterval(() => undefined, 1000));
      },
      semaphore,
      told,
    );
    await told.get();
    expect(semaphore.value).toBe(1);
    semaphore.release(); // one of the holder's
    holder.kill('SIGKILL');
    await holder.join();
    for (let i = 0; i < 3; i++) expect(await semaphore.acquire({ timeout: 20_000 })).toBe(true);
    expect(semaphore.acquireSync({ timeout: 150 })).toBe(false);
  });

  test('there are never more inside than units', async () => {
    const semaphore = make(new Semaphore(2));
    const steps = make(new Queue<number>());
    const processes = await Promise.all(
      [0, 1, 2, 3].map(() =>
        start(
          async (semaphore, steps) => {
            for (let i = 0; i < 60; i++) {
              if (i % 3 === 0) await semaphore.acquire();
              else semaphore.acquireSync();
              steps.putSync(1);
              steps.putSync(-1);
              semaphore.release();
            }
          },
          semaphore,
          steps,
        ),
      ),
    );
    for (const process of processes) expect(await process.result()).toBeUndefined();
    let inside = 0;
    let most = 0;
    while (!steps.empty()) most = Math.max(most, (inside += steps.getSync()));
    expect(inside).toBe(0);
    expect(most).toBeLessThanOrEqual(2);
    expect(semaphore.value).toBe(2);
  });

  signalTest.each(['SIGSTOP', 'SIGKILL'] as const)(
    'what a process has released is there for others, whatever happens to it (%s)',
    async (signal) => {
      const semaphore = make(new Semaphore(2));
      const told = make(new Queue<string>());
      const other = await start(
        async (semaphore, told) => {
          for (let i = 0; i < 10; i++) {
            semaphore.acquireSync();
            await semaphore.acquire();
            semaphore.release();
            semaphore.release();
          }
          told.putSync('released');
          await new Promise(() => setInterval(() => undefined, 1000));
        },
        semaphore,
        told,
      );
      await told.get();
      other.kill(signal);
      expect(semaphore.value).toBe(2);
      expect(semaphore.acquireSync({ timeout: 0 })).toBe(true);
      expect(await semaphore.acquire({ timeout: 20_000 })).toBe(true);
      expect(semaphore.ownerDied).toBe(false);
      expect(semaphore.acquireSync({ timeout: 0 })).toBe(false);
      semaphore.release(2);
      expect(semaphore.value).toBe(2);
      other.kill('SIGKILL');
    },
  );

  signalTest('a stopped holder of units: others time out', async () => {
    const semaphore = make(new Semaphore(1));
    const told = make(new Queue<string>());
    const holder = await start(
      async (semaphore, told) => {
        semaphore.acquireSync();
        told.putSync('held');
        await new Promise(() => setInterval(() => undefined, 1000));
      },
      semaphore,
      told,
    );
    await told.get();
    holder.kill('SIGSTOP');
    expect(semaphore.acquireSync({ timeout: 50 })).toBe(false);
    expect(await semaphore.acquire({ timeout: 50 })).toBe(false);
    holder.kill('SIGCONT');
    holder.kill('SIGKILL');
    expect(semaphore.acquireSync({ timeout: 20_000 })).toBe(true);
    expect(semaphore.ownerDied).toBe(true);
  });

  test.each([
    ['a lock', () => new Lock(), true],
    ['a semaphore', () => new Semaphore(0), false],
  ])('however many wait for %s: all come in turn, and release never fails', async (_, of, held) => {
    const lock = make(of());
    if (held) lock.acquireSync();
    const order: number[] = [];
    const waits = Array.from({ length: 1100 }, async (_, i) => {
      await lock.acquire();
      order.push(i);
      lock.release();
    });
    const late = lock.acquire({ timeout: 1 });
    expect(await late).toBe(false);
    // Somebody who never had one releases, and then each for the next one.
    const other = await start(
      (lock) => {
        lock.release();
      },
      lock as InstanceType<typeof Lock>,
    );
    await other.result();
    await Promise.all(waits);
    expect(order).toEqual(waits.map((_, i) => i));
    expect(lock.locked()).toBe(false);
  });

  linuxTest('calls that wait take no thread', async () => {
    const [lock, semaphore, event] = [make(new Lock()), make(new Semaphore(0)), make(new Event())];
    lock.acquireSync();
    const ask = () => [lock.acquire(), semaphore.acquire(), event.wait()];
    const threads = () => readdirSync('/proc/self/task').length;
    const waits = ask(); // whatever the first ones start
    const before = threads();
    for (let i = 0; i < 100; i++) waits.push(...ask());
    expect(threads()).toBeLessThanOrEqual(before);
    event.set();
    for (const wait of waits) {
      void wait.then(() => {
        if (lock.locked()) lock.release();
        semaphore.release();
      });
    }
    lock.release();
    semaphore.release();
    expect(await Promise.all(waits)).toEqual(waits.map(() => true));
    expect(threads()).toBeLessThanOrEqual(before);
  });

  test('units without a bound: as many as there are numbers, and no more', () => {
    const semaphore = make(new Semaphore(2 ** 31 - 2));
    semaphore.release();
    expect(semaphore.value).toBe(2 ** 31 - 1);
    expect(thrown(() => semaphore.release()).code).toBe('ERR_FORKFUL_INVALID_STATE');
    semaphore.acquireSync();
    semaphore.release();
    expect(semaphore.value).toBe(2 ** 31 - 1);
  });

  test('an RLock: its owner may acquire it again, nobody else may release it', async () => {
    const lock = make(new RLock());
    expect(lock.acquireSync()).toBe(true);
    expect(lock.acquireSync()).toBe(true);
    const other = await start((lock) => {
      try {
        lock.release();
        return 'released';
      } catch (error) {
        return [(error as { code: string }).code, lock.acquireSync({ timeout: 0 })];
      }
    }, lock);
    expect(await other.result()).toEqual(['ERR_FORKFUL_INVALID_STATE', false]);
    lock.release();
    expect(lock.locked()).toBe(true);
    lock.release();
    expect(lock.locked()).toBe(false);
    expect(thrown(() => lock.release()).code).toBe('ERR_FORKFUL_INVALID_STATE');
  });

  test('an RLock: asynchronous flows of one process exclude each other; inside run() it counts', async () => {
    const lock = make(new RLock());
    const order: string[] = [];
    let goOn: () => void = () => undefined;
    const first = lock.run(async () => {
      order.push('first in');
      await lock.run(async () => {
        expect(await lock.acquire()).toBe(true);
        lock.release();
        await new Promise<void>((resolve) => (goOn = resolve));
      });
      order.push('first out');
    });
    const second = lock.run(() => order.push('second'));
    await until(() => order.length === 1);
    expect(thrown(() => lock.acquireSync()).code).toBe('ERR_FORKFUL_INVALID_STATE');
    expect(thrown(() => lock.release()).code).toBe('ERR_FORKFUL_INVALID_STATE');
    goOn();
    await Promise.all([first, second]);
    expect(order).toEqual(['first in', 'first out', 'second']);
    expect(lock.locked()).toBe(false);
  });

  test('an RLock: an un-awaited acquire comes before a Sync one, which then counts', async () => {
    const lock = make(new RLock());
    const first = lock.acquire();
    expect(lock.acquireSync()).toBe(true);
    expect(await first).toBe(true);
    lock.release();
    expect(lock.locked()).toBe(true);
    lock.release();
    expect(lock.locked()).toBe(false);
    const run = lock.run(() => lock.locked());
    expect(thrown(() => lock.acquireSync()).code).toBe('ERR_FORKFUL_INVALID_STATE');
    expect(lock.acquireSync({ timeout: 20 })).toBe(false);
    expect(await run).toBe(true);
    expect(lock.acquireSync({ timeout: 0 })).toBe(true);
    // A poll that fails, or a wait that is called off, leaves nothing for a Sync call to wait for.
    const other = await start((lock) => lock.acquireSync({ timeout: 0 }), lock);
    expect(await other.result()).toBe(false);
    lock.release();
    const controller = new AbortController();
    const holder = await start(async (lock) => {
      lock.acquireSync();
      await new Promise(() => setInterval(() => undefined, 1000));
    }, lock);
    await until(() => lock.locked());
    const poll = lock.acquire({ timeout: 0 });
    const aborted = errorOf(lock.acquire({ signal: controller.signal }));
    controller.abort();
    expect(lock.acquireSync({ timeout: 50 })).toBe(false);
    holder.kill('SIGKILL');
    expect(lock.acquireSync()).toBe(true);
    expect(lock.ownerDied).toBe(true);
    expect(await poll).toBe(false);
    expect((await aborted).name).toBe('AbortError');
  });

  test('events: set, clear, wait in this process and another', async () => {
    const event = make(new Event());
    const seen = make(new Queue<string>());
    expect(event.isSet()).toBe(false);
    expect(event.waitSync({ timeout: 0 })).toBe(false);
    expect(await event.wait({ timeout: 20 })).toBe(false);
    const child = await start(
      async (event, seen) => {
        seen.putSync('up');
        seen.putSync(`async ${String(await event.wait())}`);
        seen.putSync(`sync ${String(event.waitSync())}`);
      },
      event,
      seen,
    );
    await seen.get();
    const here = event.wait();
    event.set();
    expect(await here).toBe(true);
    expect(event.isSet()).toBe(true);
    expect(await child.result()).toBeUndefined();
    expect([await seen.get(), await seen.get()]).toEqual(['async true', 'sync true']);
    event.clear();
    expect(event.isSet()).toBe(false);
    expect(event.waitSync({ timeout: 10 })).toBe(false);
  });
});
