import * as forkful from 'forkful';
import { describeEach, thrown } from './methods';
import { isSupported } from './unsupported';

let count = 0;
const newName = () =>
  `test-${process.env['FORKFUL_TEST_RUN'] ?? ''}-contract-queues-${process.pid}-${count++}`;

// What unrelated programs do with names is in named-queues.test.ts.
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
