import * as forkful from 'forkful';
import { describeEach, thrown } from './methods';
import { isSupported } from './unsupported';

let count = 0;
const newName = () =>
  `test-${process.env['FORKFUL_TEST_RUN'] ?? ''}-contract-named-${process.pid}-${count++}`;

// What unrelated programs do with names is in named-queues.test.ts and named-locks.test.ts.
describeEach('queues with names', ({ backend, context }) => {
  if (!isSupported('queues with names', backend)) {
    test('are refused, with the reason', () => {
      for (const Class of [context.Queue, context.JoinableQueue]) {
        const error = thrown(() => new Class({ name: newName() }));
        expect(error.code).toBe('ERR_FORKFUL_UNSUPPORTED');
        expect(error.message).toMatch(/name/);
        expect(error.message).toMatch(/child_process/);
      }
    });
    return;
  }

  test('are one queue for all that use the name', async () => {
    const name = newName();
    const [first, second] = [
      new context.Queue<string>({ name, maxsize: 2 }),
      new context.Queue<string>({ name }),
    ];
    const waiting = second.get();
    await first.put('a');
    expect(await waiting).toBe('a');
    second.putSync('b');
    expect(first.getSync()).toBe('b');
    first.close();
    second.putSync('c');
    second.close();
    const third = new context.Queue({ name });
    expect(third.qsize()).toBe(0);
    third.close();
  });

  test('grow and shrink with what is in them', async () => {
    const queue = new context.Queue<Buffer>({ name: newName() });
    const message = Buffer.alloc(3_000_000, 5);
    for (let round = 0; round < 3; round++) {
      for (let i = 0; i < 10; i++) await queue.put(message);
      for (let i = 0; i < 10; i++) expect((await queue.get()).equals(message)).toBe(true);
    }
    queue.close();
  });

  test('go on when a child ends that was given one and did not close it', async () => {
    const name = newName();
    const queue = new context.Queue<string>({ name });
    const child = new context.Process({
      target: forkful.inline((given: forkful.Queue<string>) => {
        given.putSync('of the child');
      }),
      args: [queue],
    });
    await child.start();
    await child.join();
    expect(await child.result()).toBeUndefined();
    const same = new context.Queue<string>({ name });
    expect(same.getSync({ timeout: 10_000 })).toBe('of the child');
    for (const one of [queue, same]) one.close();
  });
});

describeEach('locks with names', ({ backend, context }) => {
  const { Lock, Semaphore, BoundedSemaphore } = context;
  if (!isSupported('locks with names', backend)) {
    test('are refused, with the reason', () => {
      for (const make of [
        () => new Lock({ name: newName() }),
        () => new Semaphore(1, { name: newName() }),
        () => new BoundedSemaphore(undefined, { name: newName() }),
      ]) {
        const error = thrown(make);
        expect(error.code).toBe('ERR_FORKFUL_UNSUPPORTED');
        expect(error.message).toMatch(/named locks.*child_process/);
      }
    });
    return;
  }

  test('are one lock for all that use the name', async () => {
    const name = newName();
    const [first, second] = [new Lock({ name }), new Lock({ name })];
    expect(await first.acquire()).toBe(true);
    expect(second.locked()).toBe(true);
    expect(second.acquireSync({ timeout: 0 })).toBe(false);
    const waiting = second.acquire();
    first.release();
    expect(await waiting).toBe(true);
    second.release();
    first.close();
    expect(second.acquireSync()).toBe(true);
    second.close();
    const third = new Lock({ name });
    expect(third.locked()).toBe(false);
    third.close();
  });

  test('pass to a child, which leaves the name to others', async () => {
    const name = newName();
    const semaphore = new BoundedSemaphore(2, { name });
    const same = new BoundedSemaphore(undefined, { name });
    const child = new context.Process({
      target: forkful.inline((first: forkful.BoundedSemaphore, second: forkful.BoundedSemaphore) => {
        first.acquireSync();
        second.acquireSync();
        const values = [first.value, second.value];
        first.release(2);
        second.close();
        return values;
      }),
      args: [semaphore, same],
    });
    await child.start();
    expect(await child.result()).toEqual([0, 0]);
    await child.join();
    expect(semaphore.value).toBe(2);
    for (const one of [semaphore, same]) one.close();
    const after = new BoundedSemaphore(1, { name });
    expect(after.value).toBe(1);
    after.close();
  });
});
