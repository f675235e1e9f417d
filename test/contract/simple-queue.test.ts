import { SimpleQueue } from 'forkful';
import * as queues from '../fixtures/queues.js';
import { describeEach, errorOf, thrown } from './methods';

describeEach('SimpleQueue', ({ context }) => {
  test('put, get, empty, close', async () => {
    const q = new context.SimpleQueue<number>();
    expect(q.empty()).toBe(true);
    await q.put(1);
    q.putSync(2);
    expect(q.empty()).toBe(false);
    expect(await q.get()).toBe(1);
    expect(q.getSync()).toBe(2);
    expect((await errorOf(q.get({ timeout: 5 }))).code).toBe('ERR_FORKFUL_EMPTY');
    expect(thrown(() => q.getSync({ timeout: 0 })).code).toBe('ERR_FORKFUL_EMPTY');
    q.close();
    q.close();
    expect((await errorOf(q.get())).code).toBe('ERR_FORKFUL_CLOSED');
    expect(thrown(() => q.empty()).code).toBe('ERR_FORKFUL_CLOSED');
    expect(thrown(() => new SimpleQueue(3)).message).toMatch(/SimpleQueue options must be left out.*3/);
  });

  test('in another process', async () => {
    const [go, done] = [new context.SimpleQueue<string>(), new context.SimpleQueue<string>()];
    const child = new context.Process({ target: queues.waitFor, args: [go] });
    await child.start();
    expect(await child.join({ timeout: 0 })).toBe(false);
    await go.put('go');
    expect(await child.join()).toBe(true);
    expect(child.exitCode).toBe(0);
    go.close();
    done.close();
  });
});
