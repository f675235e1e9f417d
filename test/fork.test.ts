import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exists, until } from './contract/methods';
import { outcomeOf, programOf, programText, type Outcome } from './program';

const library = JSON.stringify(require.resolve('forkful'));
const SINGLE_THREADED = ['--single-threaded'];

/** What a main program sees beside `F` and `finish`: a `P` that forks it, and `run`, which does so. */
const withFork = (text: string) => `
  const fs = require('node:fs');
  const { setTimeout: sleep } = require('node:timers/promises');
  const errorOf = (promise) => promise.then(() => { throw new Error('expected a rejection') }, (error) => error);
  const main = process.pid;
  const C = F.getContext('fork');
  const P = C.Process;
  const run = async (target, ...args) => {
    const child = new P({ target, args });
    await child.start();
    const result = await child.result();
    await child.join();
    return result;
  };
  ${text}`;

const run = (text: string, args: readonly string[] = SINGLE_THREADED): Outcome =>
  programOf(withFork(text), { args });

function begin(text: string): ChildProcess {
  return spawn(process.execPath, [...SINGLE_THREADED, '-e', programText(withFork(text))], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

describe('fork: where it works', () => {
  test('without --single-threaded the error is the command line that works', () => {
    const program = `
      const F = require(${library});
      console.log(F.getAllStartMethods().includes('fork'), process.argv.slice(1).join('|'));
      try { F.getContext('fork') } catch (error) { console.log(error.code, error.message) }`;
    const args = ['--stack-size=900', '-e', program, '--', "it's", 'a b', '$HOME'];
    const { stdout } = spawnSync(process.execPath, args, { encoding: 'utf8' });
    const [first, ...rest] = stdout.split('\n');
    expect(first).toBe("false it's|a b|$HOME");
    expect(rest.join('\n')).toMatch(/^ERR_FORKFUL_UNSUPPORTED .*--single-threaded/);
    const command = /run the program like this: ([^]*); available:/.exec(stdout)?.[1] ?? '';
    const again = spawnSync('sh', ['-c', command], { encoding: 'utf8' });
    expect(again.stdout).toBe("true it's|a b|$HOME\n");
  });

  test('not in a worker thread, nor beside one, nor with flags whose files a fork would not write', () => {
    const { result } = run(`
      const { Worker } = require('node:worker_threads');
      const inside = new Worker(
        'const F = require(' + JSON.stringify(${library}) + ');' +
        'try { F.getContext("fork") } catch (error) { require("node:worker_threads").parentPort.postMessage(error.message) }' +
        'setInterval(() => {}, 1000)', { eval: true });
      const message = await new Promise((resolve) => inside.on('message', resolve));
      const refused = await errorOf(new P({ target: () => 1 }).start());
      await inside.terminate();
      finish([message, refused.code, refused.message, await run(() => 'now')]);`);
    const [inThread, code, beside, after] = result as [string, string, string, string];
    expect(inThread).toMatch(/only the main thread/);
    expect(code).toBe('ERR_FORKFUL_UNSUPPORTED');
    expect(beside).toMatch(
      /a thread is running that Node itself did not start.*or use 'forkserver' or 'spawn'/,
    );
    expect(after).toBe('now');
    const folder = mkdtempSync(join(tmpdir(), 'forkful-fork-'));
    const profiled = run('', ['--single-threaded', '--cpu-prof', `--cpu-prof-dir=${folder}`]);
    rmSync(folder, { recursive: true });
    expect(profiled.stderr).toMatch(/'fork' is not available here: Node was started with --cpu-prof/);
  });

  test('neither from a blocked thread nor with another Node’s arguments', () => {
    const { result } = run(`
      const codes = [];
      try { new P({ target: () => 1 }).startSync() } catch (error) { codes.push(error.code, error.message) }
      const refused = await errorOf(new P({ target: () => 1, execArgv: ['--no-warnings'] }).start());
      finish([...codes, refused.code, refused.message]);`);
    expect(result).toEqual([
      'ERR_FORKFUL_UNSUPPORTED',
      expect.stringContaining('await start()'),
      'ERR_FORKFUL_INVALID_ARGUMENT',
      expect.stringContaining('execArgv'),
    ]);
  });

  test('who blocks the thread until the child has ended, without having let it start, is told', () => {
    const { result } = run(`
      const child = new P({ target: () => 5 });
      const starting = child.start();
      let error;
      try { child.joinSync() } catch (caught) { error = caught }
      const late = child.joinSync({ timeout: 20 });
      await starting;
      finish([error.code, error.message, late, child.joinSync(), await child.result()]);`);
    expect(result).toEqual([
      'ERR_FORKFUL_INVALID_STATE',
      expect.stringMatching(/await start\(\)/),
      false,
      true,
      5,
    ]);
  });
});

describe('fork: what the child has', () => {
  test('closures, arguments of any kind, and the state of the heap at the fork', () => {
    const { result } = run(`
      class Secret { #value = 41; get() { return this.#value } }
      let state = 'before';
      const cyclic = { f: (x) => x * 2, symbol: Symbol('s') };
      cyclic.self = cyclic;
      const child = new P({
        target: (secret, map, weak) => [state, secret.get() + 1, map.get('f')(4), weak.deref() === cyclic, cyclic.self.f(1)],
        args: [new Secret(), new Map([['f', cyclic.f]]), new WeakRef(cyclic)],
      });
      await child.start();
      state = 'after';
      finish([await child.result(), state]);`);
    expect(result).toEqual([['before', 42, 8, true, 2], 'after']);
  });

  test('its identity; not what its parent waits for, its timers or its children', () => {
    const { result, stdout } = run(`
      let ticks = 0, beats = 0;
      const log = (text) => fs.writeSync(1, text + ' ' + (process.pid === main ? 'main' : 'child') + '\\n');
      setInterval(() => ticks++, 1);
      setInterval(() => beats++, 1).unref();
      const sibling = new P({ target: () => sleep(60_000) });
      await sibling.start();
      void sleep(100).then(() => log('slept'));
      void fs.promises.readFile('/proc/self/stat').then(() => log('read'));
      setImmediate(() => log('immediate'));
      void sibling.join({ timeout: 50 }).then(() => log('joined'));
      const child = new P({
        name: 'Ada',
        target: async () => {
          const begun = ticks;
          const beaten = beats;
          await sleep(300);
          const foreign = await errorOf(sibling.join());
          return {
            pid: process.pid, ppid: process.ppid, name: F.currentProcess().name, parent: F.parentProcess(), main: F.isMainProcess,
            ticks: ticks - begun, beats: beats > beaten, active: F.activeChildren().length, foreign: foreign.code,
          };
        },
      });
      await child.start();
      log('started');
      const seen = await child.result();
      await child.join();
      sibling.kill();
      await sibling.join();
      finish([seen, child.pid, main, sibling.exitCode]);
      process.exit();`);
    const [seen, pid, main, killed] = result as [Record<string, unknown>, number, number, number];
    expect(seen).toEqual({
      pid,
      ppid: main,
      name: 'Ada',
      parent: { pid: main, name: 'MainProcess' },
      main: false,
      ticks: 0,
      beats: true,
      active: 0,
      foreign: 'ERR_FORKFUL_INVALID_STATE',
    });
    expect(killed).toBe(-9);
    const lines = stdout.split('\n').filter((line) => / (main|child)$/.test(line));
    expect(lines.sort()).toEqual([
      'immediate main',
      'joined main',
      'read main',
      'slept main',
      'started main',
    ]);
  });

  test('queues, pipes and locks of the program; the calls of the parent that wait stay the parent’s', () => {
    const { result } = run(`
      const [there, back] = [new F.Queue(), new F.Queue(2)];
      const [a, b] = F.Pipe();
      const lock = new F.Lock();
      const rlock = new F.RLock();
      const event = new F.Event();
      const shared = new F.SharedArray('int32', 1);
      await back.put('fills');
      await back.put('it');
      const waiting = [there.get(), there.get(), a.recv()];
      const stuck = back.put('late');
      await lock.acquire();
      rlock.acquireSync();
      const child = new P({
        target: async () => {
          const state = [lock.locked(), rlock.acquireSync({ timeout: 0 }), await errorOf((async () => rlock.release())()).then((e) => e.code)];
          await there.put('one');
          there.putSync('two');
          await b.send('piped');
          event.set();
          await lock.run(() => shared.update(() => shared[0]++));
          const got = [await back.get(), await back.get(), await back.get({ timeout: 20_000 })];
          const none = await errorOf(back.get({ timeout: 100 }));
          return [...state, ...got, none.code];
        },
      });
      await child.start();
      const got = await Promise.all(waiting);
      await event.wait();
      lock.release();
      const seen = await child.result();
      await stuck;
      finish([got, seen, shared[0], rlock.locked(), there.qsize()]);`);
    expect(result).toEqual([
      ['one', 'two', 'piped'],
      [true, false, 'ERR_FORKFUL_INVALID_STATE', 'fills', 'it', 'late', 'ERR_FORKFUL_EMPTY'],
      1,
      true,
      0,
    ]);
  });

  test('numbers drawn by siblings and their parent differ', () => {
    const { result } = run(`
      const crypto = require('node:crypto');
      const vm = require('node:vm');
      const draw = () => [
        Math.random(), crypto.randomUUID(), crypto.randomInt(2 ** 47), crypto.randomBytes(8).toString('hex'),
        crypto.getRandomValues(new Uint32Array(2)).join(), vm.runInNewContext('Math.random()'),
      ];
      draw();
      const children = Array.from({ length: 6 }, () => new P({ target: draw }));
      await Promise.all(children.map((child) => child.start()));
      finish([...await Promise.all(children.map((child) => child.result())), draw()]);`);
    const drawn = (result as unknown[][]).flat();
    expect(drawn).toHaveLength(42);
    expect(new Set(drawn).size).toBe(42);
  });

  test('Node works in it: files, names, servers, clients, processes, threads, compression, WebAssembly, collections', () => {
    const { result } = run(`
      await fs.promises.readFile('/proc/self/stat'); // the pool of threads is there at the fork
      finish(await run(async () => {
        const { createServer } = require('node:http');
        const { promisify } = require('node:util');
        const server = createServer((_, response) => response.end('served'));
        await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
        const url = 'http://127.0.0.1:' + server.address().port;
        const fetched = await (await fetch(url)).text();
        server.closeAllConnections();
        server.close();
        const { Worker } = require('node:worker_threads');
        const worker = new Worker('require("node:worker_threads").parentPort.postMessage("thread")', { eval: true });
        const [said] = await require('node:events').once(worker, 'message');
        let live = [];
        for (let i = 0; i < 40; i++) live = Array.from({ length: 20_000 }, (_, n) => ({ n, before: i % 8 && live[n] }));
        const { exec } = require('node:child_process');
        const bytes = new Uint8Array([0, 97, 115, 109, 1, 0, 0, 0]);
        const wait = Atomics.waitAsync(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
        return [
          fetched, said, (await promisify(exec)('echo executed')).stdout.trim(),
          (await promisify(require('node:zlib').gunzip)(require('node:zlib').gzipSync('zipped'))).toString(),
          (await promisify(require('node:crypto').pbkdf2)('x', 'y', 10, 4, 'sha256')).length,
          (await WebAssembly.compile(bytes)) instanceof WebAssembly.Module,
          (await require('node:dns/promises').lookup('localhost')).address.length > 2,
          (await import('node:fs')).existsSync('/'), await wait.value, live.length,
        ];
      }));`);
    expect(result).toEqual([
      'served',
      'thread',
      'executed',
      'zipped',
      4,
      true,
      true,
      true,
      'timed-out',
      20_000,
    ]);
  });

  test('a connection of the parent looks closed in it, and stays the parent’s', async () => {
    const seen: string[] = [];
    const server = createServer((request, response) => {
      seen.push(request.url ?? '');
      response.end(`for ${request.url}`);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    try {
      const program = begin(`
        const get = async (path) => (await fetch(${JSON.stringify(url)} + path)).text();
        await get('/warm');
        const children = ['a', 'b', 'c'].map((name) => new P({
          target: async () => Promise.all([1, 2, 3].map((n) => get('/' + name + n))),
        }));
        await Promise.all(children.map((child) => child.start()));
        const own = [await get('/main1'), await get('/main2')];
        finish([await Promise.all(children.map((child) => child.result())), own]);
        process.exit();`);
      let out = '';
      program.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text));
      await once(program, 'close');
      expect(outcomeOf({ stdout: out } as never).result).toEqual([
        ['a', 'b', 'c'].map((name) => [1, 2, 3].map((n) => `for /${name}${n}`)),
        ['for /main1', 'for /main2'],
      ]);
      expect(seen).toHaveLength(12);
    } finally {
      server.closeAllConnections();
      server.close();
    }
  });

  test('its standard input is empty, and the parent’s stays whole', async () => {
    const program = begin(`
      let heard = '';
      process.stdin.on('data', (chunk) => (heard += chunk));
      const child = new P({ target: () => fs.readFileSync(0, 'utf8') + (process.stdin.read() ?? '') });
      await child.start();
      finish('ready');
      await new Promise((resolve) => process.stdin.on('end', resolve));
      console.log('heard ' + heard.length + ' ' + JSON.stringify(await child.result().catch(String)));`);
    let out = '';
    program.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text));
    await until(() => out.includes('RESULT'));
    program.stdin?.end('x'.repeat(100_000));
    await once(program, 'close');
    expect(out).toMatch(/^heard 100000 /m);
    expect(out).not.toContain('xx');
  });

  test('hooks, in the order of Python', () => {
    const { result } = run(`
      const log = [];
      const who = () => (process.pid === main ? 'main' : 'child');
      for (const n of [1, 2]) {
        F.onFork({
          before: async () => { await sleep(1); log.push('before ' + n + ' ' + who()) },
          inParent: () => log.push('parent ' + n + ' ' + who()),
          inChild: async () => { await sleep(1); log.push('child ' + n + ' ' + who()) },
        });
      }
      finish([await run(() => log), log]);`);
    const before = ['before 2 main', 'before 1 main'];
    expect(result).toEqual([
      [...before, 'child 1 child', 'child 2 child'],
      [...before, 'parent 1 main', 'parent 2 main'],
    ]);
  });
});

describe('fork: how the child ends', () => {
  test('its own listeners run, not the parent’s; codes, errors and rejections are those of Node', () => {
    const { result, stdout, stderr } = run(`
      const say = (text) => fs.writeSync(1, text + '\\n');
      process.on('exit', () => say('exit of ' + (process.pid === main ? 'main' : 'a child by main')));
      process.on('beforeExit', () => process.pid === main || say('beforeExit by main'));
      process.exitCode = 0;
      const ends = {
        natural: () => { process.on('exit', (code) => say('own exit ' + code)); process.on('beforeExit', () => say('own beforeExit')) },
        code: () => { process.exitCode = 5 },
        exit: () => process.exit(7),
        killed: () => process.kill(process.pid, 'SIGKILL'),
        thrown: () => { throw new RangeError('thrown') },
        later: () => { setTimeout(() => { throw new Error('from a timer') }); return sleep(5000) },
        rejected: () => { void Promise.reject(new Error('nobody caught')); return sleep(5000) },
      };
      const codes = {};
      for (const [name, target] of Object.entries(ends)) {
        const child = new P({ target, name });
        await child.start();
        await child.result().catch(() => {});
        await child.join();
        codes[name] = child.exitCode;
      }
      finish(codes);`);
    expect(result).toEqual({ natural: 0, code: 5, exit: 7, killed: -9, thrown: 1, later: 1, rejected: 1 });
    const lines = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('RESULT'));
    expect(lines).toEqual(['own beforeExit', 'own exit 0', 'exit of main']);
    expect(stderr).toMatch(/Process thrown:\nRangeError: thrown\n {4}at /);
    expect(stderr).toMatch(/Process later:\n[^]*Error: from a timer\n/);
    expect(stderr).toMatch(/Process rejected:\n[^]*Error: nobody caught\n/);
  });

  test('SIGTERM reaches the handlers of the child, again and again', () => {
    const { result } = run(`
      const ready = new F.Queue();
      const codes = [];
      for (let i = 0; i < 10; i++) {
        const child = new P({ target: () => { process.once('SIGTERM', () => process.exit(42)); ready.putSync(1); return sleep(60_000) } });
        await child.start();
        await ready.get();
        child.terminate();
        await child.join();
        codes.push(child.exitCode);
      }
      finish(codes);`);
    expect(result).toEqual(Array.from({ length: 10 }, () => 42));
  });

  test('all that was written arrives, once, in a pipe and in a file', () => {
    const text = `
      const more = 'y'.repeat(1 << 20);
      process.stdout.write('parent ' + more); // buffered or not: by the parent alone
      const child = new P({ target: () => { process.stdout.write('x'.repeat(1 << 20)); process.stdout.write('END') } });
      await child.start();
      await child.join();`;
    const check = (out: string) => {
      // Not toBe: its message would be as long.
      expect(out.length).toBe((2 << 20) + 10);
      expect(out.startsWith('parent yyy') && out.endsWith('xxxEND') && !out.includes('xy')).toBe(true);
    };
    check(run(text).stdout);
    const folder = mkdtempSync(join(tmpdir(), 'forkful-fork-'));
    const program = join(folder, 'program.js');
    writeFileSync(program, programText(withFork(text)));
    spawnSync('sh', ['-c', `"$0" --single-threaded "$1" > "$1.out"`, process.execPath, program]);
    check(readFileSync(`${program}.out`, 'utf8'));
    rmSync(folder, { recursive: true });
  });

  test('when the program is killed its children go, and theirs', async () => {
    const program = begin(`
      const pids = new F.Queue();
      const busy = new P({ target: () => { pids.putSync(process.pid); for (;;); } });
      const parent = new P({ target: async () => {
        pids.putSync(process.pid);
        const own = new P({ target: () => { pids.putSync(process.pid); return sleep(60_000) } });
        await own.start();
        await own.join();
      } });
      await busy.start();
      await parent.start();
      finish(await Promise.all([pids.get(), pids.get(), pids.get()]));`);
    let out = '';
    program.stdout?.setEncoding('utf8').on('data', (text: string) => (out += text));
    await until(() => out.includes('\n'));
    const pids = outcomeOf({ stdout: out } as never).result as number[];
    expect(pids.filter(exists)).toHaveLength(3);
    program.kill('SIGKILL');
    await until(() => !pids.some(exists));
  });
});

describe('fork: in and of other processes', () => {
  test('nested, also beside other start methods', () => {
    const { result } = run(`
      const name = () => F.currentProcess().name;
      const nested = async (method, target) => {
        const child = new (F.getContext(method).Process)({ target });
        await child.start();
        const value = await child.result();
        await child.join();
        return value;
      };
      finish(await run(async () => [
        name(),
        await nested('fork', async () => [name(), await nested('fork', () => name())]),
        await nested('forkserver', F.inline((x) => typeof x)),
        await nested('spawn', F.inline((x) => typeof x)),
      ]));`);
    expect(result).toEqual(['Process-1', ['Process-1:1', 'Process-1:1:1'], 'undefined', 'undefined']);
  });

  test('of a child of a forkserver', () => {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [
        '--no-warnings',
        '-e',
        `const F = require(${library});
        (async () => {
          const child = new (F.getContext('forkserver').Process)({
            target: F.inline(async (library) => {
              const { default: F } = await import(library);
              const secret = Math.random();
              const { Process, Queue } = F.getContext('fork');
              const queue = new Queue();
              const children = Array.from({ length: 5 }, (_, i) => new Process({
                target: async () => { await (await import('node:fs')).promises.readFile('/proc/self/stat'); queue.putSync(secret); return i },
              }));
              for (const child of children) await child.start();
              const results = await Promise.all(children.map((child) => child.result()));
              for (const child of children) await child.join();
              return [results, (await queue.getMany(10)).every((value) => value === secret), children.map((c) => c.exitCode)];
            }),
            args: [${library}],
          });
          await child.start();
          console.log(JSON.stringify([F.getAllStartMethods().includes('fork'), await child.result()]));
        })();`,
      ],
      { encoding: 'utf8', timeout: 30_000 },
    );
    expect(stderr).toBe('');
    expect(JSON.parse(stdout)).toEqual([false, [[0, 1, 2, 3, 4], true, [0, 0, 0, 0, 0]]]);
  });

  test('a pool: replaced workers, a pool in a forked child, the parent’s pool out of reach there', () => {
    const { result } = run(`
      const tasks = require(${JSON.stringify(require.resolve('./fixtures/tasks.js'))});
      const pool = new C.Pool({ processes: 2, maxTasksPerChild: 3 });
      const doubled = await pool.map(tasks.double, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10], { chunksize: 1 });
      const inChild = await run(async () => {
        const foreign = await errorOf(pool.apply(tasks.double, [1]));
        const own = new C.Pool(2);
        const results = await own.map(tasks.double, [1, 2, 3]);
        await own.close();
        return [foreign.code, results];
      });
      const after = await pool.apply(tasks.double, [50]);
      await pool.close();
      finish([doubled, inChild, after]);`);
    expect(result).toEqual([
      [2, 4, 6, 8, 10, 12, 14, 16, 18, 20],
      ['ERR_FORKFUL_INVALID_STATE', [2, 4, 6]],
      100,
    ]);
  });

  test('a hundred, some at once; nothing of them is left in the parent', () => {
    const { result } = run(`
      const open = () => fs.readdirSync('/proc/self/fd').length;
      await run(() => 1);
      const before = open();
      for (let round = 0; round < 5; round++) {
        const children = Array.from({ length: 20 }, (_, i) => new P({ target: () => i }));
        await Promise.all(children.map((child) => child.start()));
        const results = await Promise.all(children.map((child) => child.result()));
        await Promise.all(children.map((child) => child.join()));
        if (results.some((value, i) => value !== i)) throw new Error('wrong: ' + results);
        if (children.some((child) => child.exitCode !== 0)) throw new Error('ended badly');
        for (const child of children) child.close();
      }
      finish([open() - before, F.activeChildren().length]);`);
    expect(result).toEqual([0, 0]);
  });
});
