import { execFileSync, spawnSync } from 'node:child_process';
import { join } from 'node:path';
import * as mp from 'forkful/compat/multiprocessing';
import * as tasks from '../fixtures/compat/multiprocessing.js';
import { hasSharedData, hasSignals, sharedDataTest } from '../where';

const fixtures = join(__dirname, '..', 'fixtures', 'compat');
const python = spawnSync('python3', ['-c', 'import sys; sys.exit(sys.version_info < (3, 8))']).status === 0;

function code(fn: () => unknown): unknown {
  try {
    fn();
  } catch (error) {
    return (error as { code?: unknown }).code;
  }
  return undefined;
}

/** What CPython prints for port.py; compared with Python itself where it is installed. */
const PORT = `[1, 4, 9, 16]
49
[1, 4, 9]
[1, 4, 9]
81 True True [81]
True False
error failed 1
[0, 2, 4, 6, 8, 10]
False 0
False 0
Full
full
Empty
True hello False
EOFError
False False
False False
True
4
`;

describe('a program ported line by line', () => {
  (python ? test : test.skip)('prints in Python', () => {
    const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' };
    const output = execFileSync('python3', ['port.py'], { cwd: fixtures, env, encoding: 'utf8' });
    expect(output.replaceAll('\r', '')).toBe(PORT);
  });

  sharedDataTest('prints the same in Node', () => {
    expect(execFileSync(process.execPath, [join(fixtures, 'port.cjs')], { encoding: 'utf8' })).toBe(PORT);
  });
});

describe('Pool', () => {
  let pool: mp.Pool;
  beforeAll(() => {
    pool = new mp.Pool(2, tasks.initialize, ['ready']);
  });
  afterAll(() => {
    pool.terminate();
    pool.join();
  });

  test('initializer, keyword arguments, starmap', () => {
    expect(pool.apply(tasks.initialized)).toBe('ready');
    expect(pool.apply(tasks.greet, ['Ann'], { greeting: 'Hi' })).toBe('Hi, Ann');
    expect(pool.apply(tasks.greet, ['Ann'], {})).toBe('Hello, Ann');
    const sums = pool.starmap(tasks.add, [
      [1, 2],
      [3, 4],
    ]);
    expect(sums).toEqual([3, 7]);
  });

  test('an error of imap comes in its place', () => {
    const results = pool.imap(tasks.fail, [1, 2, 3]);
    expect(results.next().value).toBe(1);
    expect(() => results.next()).toThrow(RangeError);
    expect(results.next().value).toBe(3);
    expect(results.next().done).toBe(true);
  });

  test('get(timeout) is in seconds, and only stops waiting', () => {
    const result = pool.apply_async(tasks.sleep, [0.3]);
    const began = performance.now();
    expect(() => result.get(0.05)).toThrow(mp.TimeoutError);
    expect(performance.now() - began).toBeLessThan(290);
    expect(code(() => result.successful())).toBe('ERR_FORKFUL_INVALID_STATE');
    expect(result.get()).toBe(0.3);
  });

  test('ready() becomes true in a loop that blocks', () => {
    const result = pool.apply_async(tasks.square, [3]);
    while (!result.ready());
    expect(result.get()).toBe(9);
  });

  test('callbacks run once, while the program blocks', () => {
    const said: unknown[] = [];
    const say = (value: unknown) => said.push(value);
    const fail = (error: unknown) => said.push((error as Error).message);
    pool.map_async(tasks.square, [1, 2], null, say).wait();
    pool.apply_async(tasks.fail, [2], null, say, fail).wait();
    expect(said).toEqual([[1, 4], 'not 2']);
  });

  test('and while the event loop runs', async () => {
    const value = await new Promise((resolve) => {
      pool.apply_async(tasks.square, [4], null, resolve);
    });
    expect(value).toBe(16);
  });

  test('close, join, and what is refused', () => {
    const own = new mp.Pool({ processes: 1, maxtasksperchild: 1 });
    const said: number[] = [];
    for (const i of [1, 2, 3]) own.apply_async(tasks.square, [i], null, (value) => said.push(value));
    expect(code(() => own.join())).toBe('ERR_FORKFUL_INVALID_STATE');
    own.close();
    expect(() => own.apply(tasks.square, [1])).toThrow(/not running/);
    own.join();
    expect(said).toEqual([1, 4, 9]);
    expect(() => new mp.Pool(0)).toThrow(/processes/);
  });

  test('with_ terminates', () => {
    const left = mp.with_(new mp.Pool(1), (own) => own.apply_async(tasks.sleep, [60]));
    expect(() => left.get(5)).toThrow(/terminated/);
  });
});

describe('Process', () => {
  test('a subclass, and what is told of it', () => {
    const queue = new mp.Queue<[string, boolean, string]>();
    const job = new tasks.Job(queue, 'hello');
    expect([job.pid, job.exitcode, job.is_alive()]).toEqual([null, null, false]);
    job.start();
    expect(mp.active_children()).toContain(job);
    expect(queue.get(true, 20)).toEqual(['Job', true, 'hello']);
    job.join();
    expect([job.exitcode, job.is_alive()]).toEqual([0, false]);
    expect(mp.connection.wait([job.sentinel], 0)).toEqual([job.sentinel]);
    job.close();
    expect(code(() => job.is_alive())).toBe('ERR_FORKFUL_CLOSED');
    queue.close();
  });

  test('exit codes, join(timeout) in seconds', () => {
    const exits = new mp.Process({ target: tasks.exit, args: [7] });
    exits.start();
    exits.join(20);
    expect(exits.exitcode).toBe(7);
    const sleeps = new mp.Process({ target: tasks.sleep, args: [60], daemon: true });
    sleeps.start();
    sleeps.join(0.02);
    expect(sleeps.is_alive()).toBe(true);
    sleeps.terminate();
    sleeps.join();
    if (hasSignals) expect(sleeps.exitcode).toBe(-15);
  });

  test('the main process, and a context', () => {
    expect(mp.current_process().name).toBe('MainProcess');
    expect(mp.parent_process()).toBe(null);
    const context = mp.get_context('spawn');
    expect(context.get_start_method()).toBe('spawn');
    mp.with_(new context.Pool(1), (pool) => {
      expect(pool.apply(tasks.name)).toMatch(/^PoolWorker-/);
    });
    expect(mp.cpu_count()).toBeGreaterThan(0);
    expect(mp.get_all_start_methods()).not.toContain('fork');
  });

  test('what is not offered says what is', () => {
    expect(code(() => mp.set_start_method('fork'))).toBe('ERR_FORKFUL_UNSUPPORTED');
    expect(code(() => mp.get_context('fork'))).toBe('ERR_FORKFUL_UNSUPPORTED');
    expect(code(() => mp.Manager())).toBe('ERR_FORKFUL_UNSUPPORTED');
    expect(() => mp.Manager()).toThrow(/Queue/);
  });
});

describe('between processes, objects keep Python’s names', () => {
  const started: mp.Process[] = [];
  function start(target: (...args: never[]) => unknown, ...args: unknown[]): mp.Process {
    const child = new mp.Process({ target, args });
    child.start();
    started.push(child);
    return child;
  }
  afterEach(() => {
    for (const child of started.splice(0)) {
      child.join(20);
      expect(child.exitcode).toBe(0);
    }
  });

  test('Queue, JoinableQueue, SimpleQueue', () => {
    const [work, results] = [new mp.JoinableQueue<number | null>(), new mp.SimpleQueue<number>()];
    start(tasks.consume, work, results);
    start(tasks.produce, work, 3).join();
    work.join();
    work.put(null);
    expect([results.get(), results.get(), results.get()]).toEqual([0, 2, 4]);
    expect(results.empty()).toBe(true);
    work.join();
    expect(code(() => work.task_done())).toBe('ERR_FORKFUL_INVALID_STATE');
    work.close();
    work.join_thread();
    expect(code(() => work.get(false))).toBe('ERR_FORKFUL_CLOSED');
    results.close();
  });

  test('bounds of a queue', () => {
    const queue = new mp.Queue<number>(2);
    queue.put(1);
    queue.put_nowait(2);
    expect([queue.qsize(), queue.full(), queue.empty()]).toEqual([2, true, false]);
    expect(() => queue.put_nowait(3)).toThrow(mp.Full);
    expect(() => queue.put(3, false)).toThrow(mp.Full);
    expect([queue.get(), queue.get_nowait()]).toEqual([1, 2]);
    expect(() => queue.get_nowait()).toThrow(mp.Empty);
    expect(() => queue.get(true, 0.01)).toThrow(mp.Empty);
    expect(() => queue.get(true, 'soon' as never)).toThrow(/seconds/);
    queue.close();
  });

  test('Connection', () => {
    const [here, there] = mp.Pipe<string>();
    start(tasks.answer, there);
    here.send('hello');
    expect(mp.connection.wait([here], 20)).toEqual([here]);
    expect(here.recv()).toBe('HELLO');
    here.close();
    there.close();
    const [reader, writer] = mp.Pipe(false);
    expect([reader.readable, reader.writable, writer.readable, writer.writable]).toEqual([
      true,
      false,
      false,
      true,
    ]);
    writer.send_bytes(Buffer.from('abcdef'), 2, 3);
    writer.send_bytes(Buffer.from('too long'));
    expect(reader.recv_bytes().toString()).toBe('cde');
    expect(() => reader.recv_bytes_into(Buffer.alloc(2))).toThrow(mp.BufferTooShort);
    expect(reader.poll()).toBe(false);
    reader.close();
    expect(() => writer.send('x')).toThrow(mp.BrokenPipeError);
    writer.close();
  });

  test('Barrier, Event, Condition, Semaphore', () => {
    const [barrier, event, met] = [new mp.Barrier(3), new mp.Event(), new mp.Queue<number>()];
    start(tasks.meet, barrier, event, met);
    start(tasks.meet, barrier, event, met);
    expect([barrier.wait(20), met.get(), met.get()].sort()).toEqual([0, 1, 2]);
    expect([barrier.parties, barrier.n_waiting, barrier.broken]).toEqual([3, 0, false]);
    event.set();
    const [condition, ready] = [new mp.Condition(), new mp.Semaphore(0)];
    const heard = new mp.Queue<boolean>();
    start(tasks.notified, condition, ready, heard);
    expect(ready.acquire(true, 20)).toBe(true);
    mp.with_(condition, () => condition.notify_all());
    expect(heard.get()).toBe(true);
    mp.with_(condition, () => {
      expect(condition.wait(0.01)).toBe(false);
      expect(condition.wait_for(() => 'yes', 1)).toBe('yes');
    });
    barrier.abort();
    expect(() => barrier.wait()).toThrow(mp.BrokenBarrierError);
  });

  test('Lock, RLock, BoundedSemaphore', () => {
    const lock = new mp.Lock();
    expect(mp.with_(lock, () => lock.locked())).toBe(true);
    expect(() => mp.with_(lock, () => JSON.parse('{'))).toThrow(SyntaxError);
    expect(lock.locked()).toBe(false);
    expect(code(() => lock.release())).toBe('ERR_FORKFUL_INVALID_STATE');
    const again = new mp.RLock();
    mp.with_(again, () => mp.with_(again, () => expect(again.locked()).toBe(true)));
    expect(again.locked()).toBe(false);
    const two = new mp.BoundedSemaphore(2);
    expect([two.acquire(), two.acquire(), two.acquire(false), two.get_value()]).toEqual([
      true,
      true,
      false,
      0,
    ]);
    two.release();
    two.release();
    expect(code(() => two.release())).toBe('ERR_FORKFUL_INVALID_STATE');
  });

  sharedDataTest('Value and Array, with their locks', () => {
    const count = new mp.Value('i', 0);
    const children = [start(tasks.increment, count, 500), start(tasks.increment, count, 500)];
    for (const child of children) child.join();
    expect(count.value).toBe(1000);
    const array = new mp.Array('d', [1, 2.5]);
    start(tasks.double, array).join();
    expect([...array]).toEqual([2, 5]);
    expect(array.get_obj()).toBe(array);
    expect(new mp.Value('q', 5).value).toBe(5n);
    expect(mp.RawArray('h', 3).length).toBe(3);
    expect(() => mp.RawValue('i', 1).get_lock()).toThrow(/lock/);
    expect(() => new mp.Value('c' as never)).toThrow(/type code/);
  });

  (hasSharedData ? test : test.skip)('shared_memory', () => {
    const made = new mp.shared_memory.SharedMemory({ create: true, size: 16 });
    made.buf[0] = 7;
    expect([made.buf[0], made.size, made.name]).toEqual([7, 16, null]);
    made.close();
    const list = new mp.shared_memory.ShareableList([1n, 'two']);
    expect([...list]).toEqual([1n, 'two']);
    list.close();
  });
});
