import {
  Process,
  activeChildren,
  currentProcess,
  inline,
  isMainProcess,
  parentProcess,
  ref,
  refs,
} from 'forkful';
import * as tasks from '../fixtures/tasks.js';
import { hasSignals, linuxTest } from '../where';
import { describeEach, errorOf, exists, thrown, until } from './methods';

describeEach('Process', ({ context, method }) => {
  const { Process: P } = context;
  /** The child has the parent's heap: any function is there, nothing is sent, all descriptors are inherited. */
  const isCopy = method === 'fork';

  async function run<R>(process: Process<R>): Promise<R> {
    await process.start();
    const result = await process.result();
    expect(await process.join()).toBe(true);
    return result;
  }

  test('runs an exported function with its arguments and gives its result', async () => {
    const child = new P({ target: tasks.add, args: [1, 2] });
    expect(child.isAlive()).toBe(false);
    expect(child.pid).toBeUndefined();
    expect(child.exitCode).toBeNull();
    await child.start();
    expect(child.pid).toBeGreaterThan(0);
    expect(await child.result()).toBe(3);
    expect(await child.join()).toBe(true);
    expect(child.exitCode).toBe(0);
    expect(child.isAlive()).toBe(false);
    expect(await child.join({ timeout: 0 })).toBe(true);
  });

  test('the child is another process that knows its name and its parent', async () => {
    const child = new P({
      target: tasks.self,
      name: 'Ada',
      env: { ...process.env, FORKFUL_TEST: 'x' },
      cwd: '/',
    });
    const self = await run(child);
    expect(self).toMatchObject({ name: 'Ada', daemon: false, isMainProcess: false, env: 'x', cwd: '/' });
    expect(self.pid).toBe(child.pid);
    expect(self.pid).not.toBe(process.pid);
    expect(self.parent).toEqual({ pid: process.pid, name: 'MainProcess' });
    expect(isMainProcess).toBe(true);
    expect(parentProcess()).toBeUndefined();
    expect(currentProcess().name).toBe('MainProcess');
  });

  test('takes objects with run(), subclasses, references, inline functions, static methods', async () => {
    expect(await run(new P({ target: new tasks.Adder(10), args: [5] }))).toBe(15);
    const job = new tasks.Job({ args: [14] });
    expect(await run(job)).toEqual({ product: 42, name: job.name, pid: job.pid });
    expect(await run(new P({ target: tasks.holder, args: [2] }))).toBe(42);
    expect(await run(new P({ target: tasks.Tools.twice, args: [4] }))).toBe(8);
    const file = require.resolve('../fixtures/tasks.js');
    expect(await run(new P({ target: ref(file, 'double'), args: [4] }))).toBe(8);
    expect(await run(new P({ target: { module: file, name: 'double' }, args: [5] }))).toBe(10);
    expect(await run(new P({ target: refs<typeof tasks>(file).double, args: [6] }))).toBe(12);
    expect(await run(new P({ target: inline((a: number, b: number) => a * b), args: [6, 7] }))).toBe(42);
    const esm = new URL(`file://${require.resolve('../fixtures/tasks.mjs')}`);
    expect(await run(new P({ target: ref(esm, 'named'), args: [1] }))).toBe('named 1');
    expect(await run(new P({ target: ref(esm, 'default'), args: [1] }))).toBe('default 1');
    expect(await run(new P({ target: ref(esm, 'shown'), args: [1] }))).toBe('renamed 1');
  });

  test('refuses in the parent what a child could not find', async () => {
    const closure = tasks.makeFunction();
    const unreachable = [
      [closure, /not exported/],
      [Math.max, /native or bound/],
      [tasks.add.bind(null, 1), /native or bound/],
    ] as const;
    for (const [target, words] of [
      ...(isCopy ? [] : unreachable),
      [tasks.Adder, /class/],
      [undefined, /target/],
      [{}, /run\(\)/],
      [42, /number/],
      [ref, /./],
    ] as const) {
      if (target === ref) continue;
      const error = await errorOf(new P({ target: target as never }).start());
      expect(error.code).toMatch(/ERR_FORKFUL_(FUNCTION_REFERENCE|INVALID_ARGUMENT)/);
      expect(error.message).toMatch(words);
    }
    expect(thrown(() => ref('./relative.js', 'f')).message).toContain('import.meta.url');
    expect(activeChildren()).toEqual([]);
  });

  test('what the child cannot find or load is told by result()', async () => {
    const missing = new P({
      target: ref(require.resolve('../fixtures/tasks.js'), 'nothingLikeIt'),
      stdio: 'ignore',
    });
    await missing.start();
    const error = await errorOf(missing.result());
    expect(error.code).toBe('ERR_FORKFUL_FUNCTION_REFERENCE');
    expect(error.message).toContain('nothingLikeIt');
    const broken = new P({
      target: ref(require.resolve('../fixtures/throws-on-load.js'), 'f'),
      stdio: 'ignore',
    });
    await broken.start();
    const loading = await errorOf(broken.result());
    expect(loading.code).toBe('ERR_FORKFUL_FUNCTION_REFERENCE');
    expect((loading.cause as Error).message).toBe('this module cannot be loaded');
    await Promise.all([missing.join(), broken.join()]);
    expect([missing.exitCode, broken.exitCode]).toEqual([1, 1]);
  });

  test('unserializable arguments and results are clear errors', async () => {
    if (!isCopy) {
      const error = await errorOf(new P({ target: tasks.identity, args: [{ a: [() => 1] }] }).start());
      expect(error.code).toBe('ERR_FORKFUL_SERIALIZATION');
      expect(error.message).toContain('args[0].a[0]');
    }
    const child = new P({ target: tasks.returnFunction, stdio: 'ignore' });
    await child.start();
    expect((await errorOf(child.result())).message).toContain('result.inner');
    await child.join();
  });

  test('an error of the target keeps class, message, code, properties and cause', async () => {
    const child = new P({ target: tasks.fail, args: ['no'], stdio: 'ignore' });
    await child.start();
    const error = await errorOf(child.result());
    expect(error).toMatchObject({ name: 'RangeError', message: 'no', code: 'E_TEST', extra: [1] });
    expect((error.cause as Error).message).toBe('the reason');
    expect(error.stack).toContain('tasks.js');
    await child.join();
    expect(child.exitCode).toBe(1);
  });

  test('exit codes: given, by signal, by uncaught error', async () => {
    const ends: [unknown, unknown[], number][] = [
      [tasks.exit, [7], 7],
      [tasks.exit, [0], 0],
      [tasks.killSelf, ['SIGKILL'], hasSignals ? -9 : 1],
      [tasks.killSelf, ['SIGTERM'], hasSignals ? -15 : 1],
      [tasks.abort, [], hasSignals ? -6 : 134],
      [tasks.throwInTimer, [], 1],
    ];
    await Promise.all(
      ends.map(async ([target, args, code]) => {
        const child = new P({ target: target as never, args: args as never, stdio: 'ignore' });
        await child.start();
        const error = await errorOf(child.result());
        await child.join();
        expect(child.exitCode).toBe(code);
        if (target === tasks.throwInTimer) expect(error.message).toBe('from a timer');
        else
          expect(error).toMatchObject({ code: 'ERR_FORKFUL_PROCESS_EXIT', pid: child.pid, exitCode: code });
      }),
    );
  });

  test('terminate, kill and close', async () => {
    const child = new P({ target: tasks.hang });
    expect(thrown(() => child.terminate()).code).toBe('ERR_FORKFUL_INVALID_STATE');
    await child.start();
    expect(child.isAlive()).toBe(true);
    expect(await child.join({ timeout: 0 })).toBe(false);
    expect(child.joinSync({ timeout: 1 })).toBe(false);
    expect(thrown(() => child.close()).code).toBe('ERR_FORKFUL_INVALID_STATE');
    expect((await errorOf(child.start())).code).toBe('ERR_FORKFUL_INVALID_STATE');
    expect(activeChildren()).toContain(child);
    child.terminate();
    expect(child.joinSync()).toBe(true);
    expect(child.exitCode).toBe(-15);
    expect(child.signalCode).toBe('SIGTERM');
    child.terminate();
    child.kill();
    child.close();
    child.close();
    expect(thrown(() => child.exitCode).code).toBe('ERR_FORKFUL_CLOSED');
    expect(thrown(() => child.isAlive()).code).toBe('ERR_FORKFUL_CLOSED');
  });

  test('join before start, and an aborted join', async () => {
    const child = new P({ target: tasks.hang });
    expect((await errorOf(child.join())).code).toBe('ERR_FORKFUL_INVALID_STATE');
    await child.start();
    const reason = new Error('enough');
    const controller = new AbortController();
    const joined = errorOf(child.join({ signal: controller.signal }));
    controller.abort(reason);
    expect(await joined).toBe(reason);
    child.kill();
    expect(await child.join()).toBe(true);
  });

  test('wrong options name the option, what was expected and what came', () => {
    for (const [options, words] of [
      [{ target: tasks.add, args: 'x' }, /"args".*array.*string/],
      [{ target: tasks.add, daemon: 'yes' }, /"daemon".*boolean.*"yes"/],
      [{ target: tasks.add, name: 4 }, /"name".*string.*4/],
      [{ target: tasks.add, stdio: 'tty' }, /"stdio".*'inherit'.*"tty"/],
      [{ target: tasks.add, execArgv: [1] }, /"execArgv"\[0\].*string/],
      [{ target: tasks.add, deamon: true }, /"deamon"/],
      [{ target: tasks.add, env: { A: 1 } }, /env\.A/],
    ] as const) {
      const error = thrown(() => new P(options as never));
      expect(error.code).toBe('ERR_FORKFUL_INVALID_ARGUMENT');
      expect(error.message).toMatch(words);
    }
  });

  test('a working directory that is not there is a launch error, and nothing is left', async () => {
    const error = await errorOf(new P({ target: tasks.add, cwd: '/not/there' }).start());
    expect(error).toMatchObject({ code: 'ERR_FORKFUL_LAUNCH', errno: 'ENOENT' });
    expect(activeChildren()).toEqual([]);
  });

  test('nested processes, their names, and the daemon rule', async () => {
    const outer = new P({ target: tasks.nested, name: 'Outer' });
    expect(await run(outer)).toEqual({ name: 'Outer:1', result: 5 });
    const daemon = new P({ target: tasks.tryChildOfDaemon, daemon: true });
    await daemon.start();
    expect(await daemon.result()).toBe('ERR_FORKFUL_INVALID_STATE');
    await daemon.join();
  });

  (isCopy ? test.skip : linuxTest)('a child has no descriptors that are not its own', async () => {
    const queues = Array.from({ length: 20 }, () => new context.Queue());
    for (const queue of queues) await queue.put(1);
    const alone = await run(new P({ target: tasks.descriptors }));
    const again = await run(new P({ target: tasks.descriptors }));
    expect(again).toBe(alone);
    expect(alone).toBeLessThan(40);
    for (const queue of queues) queue.close();
  });

  test('when a process is killed its own children go too', async () => {
    const queue = new context.Queue<{ pid: number; name: string; active: number }>();
    const child = new P({ target: tasks.startGrandchild, args: [queue], name: 'Middle' });
    await child.start();
    const grandchild = await queue.get();
    expect(grandchild).toMatchObject({ name: 'Middle:1', active: 1 });
    expect(exists(grandchild.pid)).toBe(true);
    child.kill();
    await child.join();
    await until(() => !exists(grandchild.pid));
    queue.close();
  });

  test('a dozen at once all exit with 0, and a dozen terminated with -15', async () => {
    const workers = Array.from({ length: 12 }, (_, i) => new P({ target: tasks.double, args: [i] }));
    await Promise.all(workers.map((worker) => worker.start()));
    expect(await Promise.all(workers.map((worker) => worker.result()))).toEqual(workers.map((_, i) => 2 * i));
    await Promise.all(workers.map((worker) => worker.join()));
    expect(workers.map((worker) => worker.exitCode)).toEqual(workers.map(() => 0));
    const idle = Array.from({ length: 12 }, () => new P({ target: tasks.hang }));
    await Promise.all(idle.map((worker) => worker.start()));
    for (const worker of idle) worker.terminate();
    await Promise.all(idle.map((worker) => worker.join()));
    expect(idle.map((worker) => worker.exitCode)).toEqual(idle.map(() => -15));
  });
});
