import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as forkful from 'forkful';
import { until } from './contract/methods';

const package_ = JSON.stringify(require.resolve('forkful'));
const forks = JSON.stringify(require.resolve('./fixtures/forks.js'));
const available = forkful.getAllStartMethods().includes('forkserver');

/** A main program: sees `F`, `forks`, and `finish(value)`, which prints its result. */
function source(text: string): string {
  return `
    const F = require(${package_});
    const P = F.getContext('forkserver').Process;
    const forksFile = ${forks};
    const forks = F.refs(forksFile);
    const fs = require('node:fs');
    /** Forkservers among this process's children. */
    const servers = () => fs.readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim().split(' ')
      .filter((pid) => pid && fs.readFileSync('/proc/' + pid + '/cmdline', 'utf8').includes('forkserver')).map(Number);
    const finish = (value) => console.log('RESULT ' + JSON.stringify(value));
    (async () => { ${text} })();`;
}

interface Outcome {
  readonly result: any; // eslint-disable-line @typescript-eslint/no-explicit-any -- whatever the program finishes with
  readonly stdout: string;
  readonly stderr: string;
  readonly status: number | null;
}

function outcomeOf(status: number | null, stdout: string, stderr: string): Outcome {
  const line = stdout.split('\n').find((one) => one.startsWith('RESULT '));
  return { status, stdout, stderr, result: line === undefined ? undefined : JSON.parse(line.slice(7)) };
}

function run(text: string, options: { args?: string[]; env?: Record<string, string> } = {}): Outcome {
  const { status, stdout, stderr } = spawnSync(
    process.execPath,
    [...(options.args ?? []), '-e', source(text)],
    {
      encoding: 'utf8',
      timeout: 60_000,
      env: { ...process.env, ...options.env },
      maxBuffer: 1 << 26,
    },
  );
  return outcomeOf(status, stdout, stderr);
}

function runAsync(text: string, env: Record<string, string>): Promise<Outcome> {
  return new Promise((resolve, reject) => {
    const child: ChildProcess = spawn(process.execPath, ['-e', source(text)], {
      env: { ...process.env, ...env },
      timeout: 60_000,
    });
    let stdout = '';
    let stderr = '';
    child.stdout?.on('data', (part: Buffer) => (stdout += part.toString()));
    child.stderr?.on('data', (part: Buffer) => (stderr += part.toString()));
    child.on('error', reject);
    child.on('close', (status) => resolve(outcomeOf(status, stdout, stderr)));
  });
}

/** Whether it has not ended; a zombie has. */
function runs(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

(available ? describe : describe.skip)('forkserver', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'forkful-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  test('is the default, and one server forks for all copies of the library in a process', () => {
    const { result } = run(`
      const one = new F.Process({ target: forks.surroundings });
      await one.start();
      const { ppid } = await one.result();
      for (const file of Object.keys(require.cache)) delete require.cache[file];
      const F2 = require(${package_});
      const two = new F2.Process({ target: F2.refs(forksFile).surroundings });
      await two.start();
      finish({ same: F2 === F, method: F.backend().startMethod, ppid, second: (await two.result()).ppid, servers: servers() });`);
    expect(result).toMatchObject({ same: false, method: 'forkserver' });
    expect(result.servers).toEqual([result.ppid]);
    expect(result.second).toBe(result.ppid);
  });

  test('a child has what exec would have given it, and nothing of its siblings', () => {
    const { result } = run(
      `
      process.umask(0o027);
      const idle = new P({ target: forks.appendThenSleep, args: [${JSON.stringify(join(folder, 'idle'))}, 'x', 1e6], daemon: true });
      await idle.start();
      const children = [1, 2].map((i) => new P({ target: forks.surroundings, name: 'Ada ' + i }));
      for (const child of children) await child.start();
      finish({ main: process.pid, results: await Promise.all(children.map((child) => child.result())) });`,
      { args: ['--stack-trace-limit=20'] },
    );
    const [first, second] = result.results;
    expect(first).toMatchObject({
      title: 'node: Ada 1',
      argv: [],
      umask: 0o027,
      stdin: '',
      execArgv: ['--stack-trace-limit=20'],
    });
    expect(first.real).toBe(first.pid);
    expect(first.ppid).not.toBe(result.main);
    expect(second.descriptors.length).toBe(first.descriptors.length);
    expect(first.descriptors.filter((one: string) => one.startsWith('socket')).length).toBeLessThanOrEqual(2);
  });

  test.each([
    ['nothing was preloaded', ''],
    [
      'they were drawn ahead while preloading',
      'F.setForkserverPreload([forksFile], { warmup: forks.warmup });',
    ],
  ])('siblings share no random numbers when %s', (_, preload) => {
    const { result, stderr } = run(`
      ${preload}
      const children = Array.from({ length: 20 }, () => new P({ target: forks.draw }));
      await Promise.all(children.map((child) => child.start()));
      finish(await Promise.all(children.map((child) => child.result())));`);
    expect(stderr).toBe('');
    const drawn = result as Record<string, unknown>[];
    expect(drawn).toHaveLength(20);
    for (const kind of Object.keys(drawn[0] ?? {})) {
      const values = drawn.flatMap((one) => one[kind]);
      expect([kind, new Set(values).size]).toEqual([kind, values.length]);
    }
  });

  test('preloads once, warms up, and calls the hooks', () => {
    const { result } = run(`
      F.setForkserverPreload([forksFile], { warmup: forks.warmup });
      const children = [1, 2].map(() => new P({ target: forks.history }));
      for (const child of children) await child.start();
      finish({ server: servers()[0], pids: children.map((child) => child.pid), logs: await Promise.all(children.map((c) => c.result())) });`);
    for (const [i, log] of result.logs.entries()) {
      expect(log).toEqual([
        `loaded by ${result.server}`,
        'warm',
        `before in ${result.server}`,
        `in child ${result.pids[i]}`,
      ]);
    }
  });

  test.each([
    ['warn', /the preload of .*throws-on-load.js failed: SyntaxError: this module cannot be loaded/],
    ['ignore', /^$/],
  ])('a module that cannot be preloaded: %s', (onError, stderrPattern) => {
    const { result, stderr } = run(`
      F.setForkserverPreload([require('node:path').join(forksFile, '..', 'throws-on-load.js')], { onError: '${onError}' });
      const child = new P({ target: forks.surroundings });
      await child.start();
      finish((await child.result()).pid === child.pid);`);
    expect(result).toBe(true);
    expect(stderr).toMatch(stderrPattern);
  });

  test('what a preload leaves active is named', () => {
    const file = join(folder, 'interval.cjs');
    writeFileSync(file, 'setInterval(() => 0, 1000)');
    const { result, stderr } = run(`
      F.setForkserverPreload([${JSON.stringify(file)}]);
      const child = new P({ target: forks.surroundings });
      await child.start();
      finish((await child.result()).pid === child.pid);
      process.exit();`);
    expect(result).toBe(true);
    expect(stderr).toMatch(/^forkful: after the preload these are still active.*: Timeout;.*\n$/);
  });

  test('a module that cannot be preloaded: fail', () => {
    const { result } = run(`
      F.setForkserverPreload([require('node:path').join(forksFile, '..', 'throws-on-load.js')], { onError: 'fail' });
      const child = new P({ target: forks.surroundings });
      const error = await child.start().catch((error) => error);
      const second = await new P({ target: forks.surroundings }).start().catch((error) => error);
      finish({ code: error.code, message: error.message, second: second.code, reason: F.backend().reason });`);
    expect(result).toMatchObject({ code: 'ERR_FORKFUL_UNSUPPORTED', second: 'ERR_FORKFUL_UNSUPPORTED' });
    expect(result.message).toContain('this module cannot be loaded');
    expect(result.reason).toContain('this module cannot be loaded');
  });

  test('a connection that the preload left open is closed in the children, and their own work', async () => {
    const server = createServer((request, response) => response.end(`for ${request.headers['from']}`));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { result, stderr } = await runAsync(
        `
        F.setForkserverPreload([forksFile], { warmup: forks.connect, onError: 'fail' });
        const children = Array.from({ length: 8 }, () => new P({ target: forks.ask }));
        await Promise.all(children.map((child) => child.start()));
        finish(await Promise.all(children.map(async (child) => (await child.result()) === 'for ' + child.pid)));`,
        { FORKFUL_TEST_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}` },
      );
      expect(stderr).toBe('');
      expect(result).toEqual(Array.from({ length: 8 }, () => true));
    } finally {
      server.close();
    }
  });

  test.each([
    ['a loader with a thread of its own', "require('node:module').register('data:text/javascript,');"],
    [
      'a worker thread',
      `
        const { Worker, isMainThread } = require('node:worker_threads');
        if (isMainThread) new Worker('setInterval(() => 0, 1000)', { eval: true }).unref();`,
    ],
  ])('%s makes it spawn, with the reason; asked for explicitly it is an error', (_, code) => {
    const file = join(folder, 'early.cjs');
    writeFileSync(file, code);
    const { result } = run(
      `
      const p = new F.Process({ target: forks.surroundings });
      await p.start();
      const { ppid } = await p.result();
      const error = await new P({ target: forks.surroundings }).start().catch((error) => error);
      finish({ spawned: ppid === process.pid, exitCode: (await p.join(), p.exitCode), code: error.code, message: error.message, info: F.backend(), all: F.getAllStartMethods() });
      process.exit();`,
      { args: ['--require', file] },
    );
    expect(result).toMatchObject({
      spawned: true,
      exitCode: 0,
      code: 'ERR_FORKFUL_UNSUPPORTED',
      info: { startMethod: 'spawn' },
      all: ['spawn'],
    });
    expect(result.message).toMatch(/threads are running that Node itself did not start/);
    expect(result.info.reason).toMatch(/threads are running that Node itself did not start/);
  });

  test('output is complete, to a pipe and to a file', () => {
    const text = `
      const child = new P({ target: forks.print, args: [5000] });
      await child.start();
      await child.join();
      process.exitCode = child.exitCode;`;
    const { stdout, stderr, status } = run(text);
    expect(stdout).toHaveLength(500_000);
    expect({ stderr, status }).toEqual({ stderr: 'to stderr\n', status: 0 });
    const file = join(folder, 'output');
    spawnSync('sh', ['-c', 'exec "$0" -e "$1" > "$2"', process.execPath, source(text), file], {
      timeout: 30_000,
    });
    expect(readFileSync(file, 'utf8')).toHaveLength(500_000);
  });

  test('the ways out: natural end, uncaught error and rejection run the listeners, print and keep the code', () => {
    const { result, stdout, stderr } = run(`
      const codes = [];
      for (const target of [forks.naturalEnd, forks.throwLater, forks.rejectLater]) {
        const child = new P({ target });
        await child.start();
        await child.join();
        codes.push(child.exitCode);
      }
      finish(codes);`);
    expect(result).toEqual([9, 1, 1]);
    expect(stdout.split('RESULT')[0]).toBe('beforeExit\nexit 9\nexit listener 1\n');
    expect(stderr).toMatch(
      /Process Process-2:[\s\S]*Error: nobody catches this[\s\S]*forks\.js[\s\S]*code: 'E_TEST'[\s\S]*Node\.js v/,
    );
    expect(stderr).toMatch(/Error: nobody handles this/);
  });

  test('killed while idle it is replaced; its children live on, and their ends are told', () => {
    const { result } = run(`
      const file = ${JSON.stringify(join(folder, 'children'))};
      const survivors = [0, 1].map((i) => new P({ target: forks.appendThenSleep, args: [file, 'survivor ' + i, i === 0 ? 300 : 1e6] }));
      for (const child of survivors) await child.start();
      const [server] = servers();
      process.kill(server, 'SIGKILL');
      const next = new P({ target: forks.surroundings });
      await next.start();
      const { ppid } = await next.result();
      const value = await survivors[0].result();
      survivors[1].kill();
      for (const child of survivors) await child.join();
      finish({ another: ppid !== server, value, codes: survivors.map((child) => child.exitCode) });`);
    // By which signal a child ended only its own parent learns, which is gone: 255, as in CPython.
    expect(result).toEqual({ another: true, value: 'survivor 0', codes: [0, 255] });
  });

  test('killed at any moment: every child is started exactly once', () => {
    const file = join(folder, 'once');
    const { result, stderr } = run(`
      const file = ${JSON.stringify(file)};
      let kills = 0;
      let over = false;
      let done = 0;
      // Also while it boots, but not always: a slow machine must get on as well.
      const killer = (async () => {
        let doneBefore = -1;
        let inVain = 0;
        while (!over) {
          await new Promise((resolve) => setTimeout(resolve, Math.random() * 80));
          if (done === doneBefore && (inVain >= 2 || Math.random() > 0.1)) continue;
          inVain = done === doneBefore ? inVain + 1 : 0;
          doneBefore = done;
          for (const pid of servers()) {
            try { process.kill(pid, 'SIGKILL'); kills++; } catch {}
          }
        }
      })();
      const failures = [];
      const one = async (i) => {
        for (let tries = 0; ; tries++) {
          const child = new P({ target: forks.appendThenSleep, args: [file, i, 1] });
          try {
            await child.start();
          } catch (error) {
            if (error.code === 'ERR_FORKFUL_LAUNCH' && tries < 20) continue;
            throw error;
          }
          done++;
          if ((await child.result()) !== i) failures.push([i, 'result']);
          await child.join();
          if (child.exitCode !== 0) failures.push([i, child.exitCode]);
          return;
        }
      };
      for (let i = 0; i < 120; i += 6) {
        await Promise.all(Array.from({ length: 6 }, (_, n) => one(i + n).catch((error) => failures.push([i + n, error.message]))));
      }
      over = true;
      await killer;
      finish({ kills, failures });`);
    expect(stderr).toBe('');
    expect(result.failures).toEqual([]);
    expect(result.kills).toBeGreaterThan(0);
    const lines = readFileSync(file, 'utf8').trim().split('\n').map(Number);
    expect(lines.sort((a, b) => a - b)).toEqual(Array.from({ length: 120 }, (_, i) => i));
  });

  test('a spare child waits for the next start; killed or stopped or not, each start gets its child', () => {
    const { result, stderr } = run(`
      const childrenOf = (pid) => fs.readFileSync('/proc/' + pid + '/task/' + pid + '/children', 'utf8').trim().split(' ').filter(Boolean).map(Number);
      const spare = async (server) => {
        for (;;) {
          const [pid] = childrenOf(server);
          // It sleeps, waiting for its birth.
          if (pid !== undefined && /\\) S /.test(fs.readFileSync('/proc/' + pid + '/stat', 'utf8'))) return pid;
          await new Promise((resolve) => setTimeout(resolve, 1));
        }
      };
      const outcomes = [];
      for (const act of [undefined, undefined, 'SIGINT', 'SIGKILL', 'SIGTERM', undefined]) {
        const [server] = servers();
        const waiting = server === undefined ? undefined : await spare(server);
        if (act !== undefined) process.kill(waiting, act);
        while (/KILL|TERM/.test(act) && fs.existsSync('/proc/' + waiting)) await new Promise((resolve) => setTimeout(resolve, 1));
        const child = new P({ target: forks.surroundings });
        await child.start();
        const { pid } = await child.result();
        await child.join();
        outcomes.push([pid === child.pid, pid === waiting, child.exitCode]);
        child.close();
      }
      finish(outcomes);`);
    expect(stderr).toBe('');
    expect(result).toEqual([
      [true, false, 0],
      [true, true, 0],
      [true, true, 0],
      [true, false, 0],
      [true, false, 0],
      [true, true, 0],
    ]);
  });

  test('stopped, it delays nobody who waits for the end of a child', () => {
    const { result } = run(`
      const file = ${JSON.stringify(join(folder, 'stopped'))};
      const children = [0, 1, 2].map(() => new P({ target: forks.appendThenSleep, args: [file, 'x', 1e6] }));
      for (const child of children) await child.start();
      const [server] = servers();
      process.kill(server, 'SIGSTOP');
      for (const child of children) child.kill();
      const ended = [children[0].joinSync(), await children[1].join(), await children[2].join()];
      process.kill(server, 'SIGCONT');
      const next = new P({ target: forks.surroundings });
      await next.start();
      finish({ ended, codes: children.map((child) => child.exitCode), same: (await next.result()).ppid === server });`);
    expect(result).toEqual({ ended: [true, true, true], codes: [255, 255, 255], same: true });
  });

  test('with too few descriptors each start works or says why, and nothing is left over', () => {
    const text = source(`
      const outcomes = await Promise.all(Array.from({ length: 60 }, async () => {
        const child = new P({ target: forks.surroundings });
        try {
          await child.start();
        } catch (error) {
          return error.code + ' ' + error.errno;
        }
        const { pid } = await child.result();
        await child.join();
        return pid === child.pid && child.exitCode === 0;
      }));
      const descriptors = () => fs.readdirSync('/proc/self/fd').length;
      const before = descriptors();
      const child = new P({ target: forks.surroundings });
      await child.start();
      await child.join();
      const code = child.exitCode;
      child.close();
      finish({ outcomes, code, more: descriptors() - before });`);
    const { stdout, stderr } = spawnSync(
      'sh',
      ['-c', 'ulimit -n 150; exec "$0" -e "$1"', process.execPath, text],
      {
        encoding: 'utf8',
        timeout: 60_000,
      },
    );
    expect(stderr).toBe('');
    const { outcomes, code, more } = outcomeOf(0, stdout, '').result;
    const kinds = new Set<unknown>(outcomes);
    expect(kinds).toContain(true);
    kinds.delete(true);
    expect([...kinds]).toEqual(['ERR_FORKFUL_LAUNCH EMFILE']);
    expect({ code, more }).toEqual({ code: 0, more: 0 });
  });

  test('it and its children end with the main program, even when that is killed', async () => {
    const child = spawn(process.execPath, [
      '-e',
      source(`
        const p = new P({ target: forks.appendThenSleep, args: [${JSON.stringify(join(folder, 'end'))}, 'x', 1e6] });
        await p.start();
        finish([p.pid, ...servers()]);
        setInterval(() => 0, 1000);`),
    ]);
    let text = '';
    const pids = await new Promise<number[]>((resolve) => {
      child.stdout.on('data', (part: Buffer) => {
        text += part.toString();
        const { result } = outcomeOf(0, text, '');
        if (result !== undefined) resolve(result as number[]);
      });
    });
    expect(pids).toHaveLength(2);
    child.kill('SIGKILL');
    const killed = Date.now();
    await until(() => !pids.some(runs));
    expect(Date.now() - killed).toBeLessThan(1000);
  });

  test('a nested process is forked by the same server', () => {
    const { result } = run(`
      const child = new P({ target: forks.nest });
      await child.start();
      const { own, theirs } = await child.result();
      finish(own === theirs);`);
    expect(result).toBe(true);
  });
});
