import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getAllStartMethods } from 'forkful';
import { until } from './contract/methods';
import { node, outcomeOf } from './program';

const library = JSON.stringify(require.resolve('forkful'));
const root = join(__dirname, '..');
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);

/** Whether it has not ended; a zombie has. */
function runs(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** What each main program does: its child is one of its own functions, and tells by whom it was started. */
const OWN_FUNCTION = `
  async function main() {
    const p = new Process({ target: twice, args: [4] });
    await p.start();
    const { value, ppid } = await p.result();
    const { startMethod, reason } = backend();
    console.log('RESULT ' + JSON.stringify({ value, forked: ppid !== process.pid, startMethod, reason }));
  }
  if (isMainProcess) void main();`;

const FORKED = { value: 8, forked: true, startMethod: 'forkserver' };
const SPAWNED = { value: 8, forked: false, startMethod: 'spawn' };

(getAllStartMethods().includes('forkserver') ? describe : describe.skip)('programs', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'forkful-'));
  });
  afterAll(() => {
    rmSync(folder, { recursive: true });
  });

  function write(name: string, text: string): string {
    const file = join(folder, name);
    writeFileSync(file, text);
    return file;
  }

  const cjs = () =>
    write(
      'main.cjs',
      `const { Process, backend, isMainProcess } = require(${library});
       exports.twice = (x) => ({ value: 2 * x, ppid: process.ppid, early: globalThis.early });
       const { twice } = exports;${OWN_FUNCTION}`,
    );
  const esm = () =>
    write(
      'main.mjs',
      `import forkful from ${library};
       const { Process, backend, isMainProcess } = forkful;
       export async function twice(x) { return { value: 2 * x, ppid: process.ppid, early: globalThis.early }; }${OWN_FUNCTION}`,
    );
  const typed = () =>
    write(
      'main.mts',
      `import forkful from ${library};
       const { Process, backend, isMainProcess } = forkful;
       interface Answer { value: number; ppid: number }
       export const twice = (x: number): Answer => ({ value: 2 * x, ppid: process.ppid });${OWN_FUNCTION}`,
    );

  test.each([
    ['CommonJS', cjs],
    ['an ES module', esm],
  ])('a main module that is %s', (_, file) => {
    expect(node([file()]).result).toMatchObject(FORKED);
  });

  test('TypeScript by tsx: forked where its loader has no thread, else spawned with the reason', () => {
    const { result, stderr } = node(['--import', 'tsx', typed()], { cwd: root });
    expect(stderr).toBe('');
    // Since Node 22.15 there are loaders without a thread, which tsx uses.
    if (result.startMethod === 'forkserver') expect(result).toMatchObject(FORKED);
    else {
      expect(result).toMatchObject(SPAWNED);
      expect(result.reason).toMatch(/threads are running .*tsx/);
    }
  });

  const strips = major > 22 || (major === 22 && minor >= 6);
  (strips ? test : test.skip)("TypeScript by Node's own type stripping", () => {
    const args = ['--experimental-strip-types', '--disable-warning=ExperimentalWarning', typed()];
    expect(node(args).result).toMatchObject(FORKED);
  });

  test.each(['--require', '--import'])('%s is done once in the forkserver, for all children', (option) => {
    const early = write('early.cjs', 'globalThis.early = process.pid;');
    const file = write(
      'early-main.cjs',
      `const F = require(${library});
       exports.early = () => globalThis.early;
       if (F.isMainProcess) (async () => {
         const told = [];
         for (let i = 0; i < 2; i++) {
           const p = new F.Process({ target: exports.early });
           await p.start();
           told.push(await p.result() === process.pid ? 'main' : await p.result());
         }
         console.log('RESULT ' + JSON.stringify([new Set(told).size, typeof told[0]]));
       })();`,
    );
    expect(node([option, early, file]).result).toEqual([1, 'number']);
  });

  test('loaders with a thread: spawned with the reason', () => {
    const early = write('loader.cjs', "require('node:module').register('data:text/javascript,');");
    const { result } = node(['--require', early, esm()]);
    expect(result).toMatchObject(SPAWNED);
    expect(result.reason).toMatch(/module\.register.*loader\.cjs/);
  });

  test('--cpu-prof: spawned with the reason, and each process has its profile', () => {
    const profiles = join(folder, 'profiles');
    const { result } = node(['--cpu-prof', `--cpu-prof-dir=${profiles}`, cjs()]);
    expect(result).toMatchObject(SPAWNED);
    expect(result.reason).toContain('--cpu-prof');
    expect(readdirSync(profiles)).toHaveLength(2);
  });

  test('--inspect is of the main program alone', () => {
    const { result, stderr } = node(['--inspect=127.0.0.1:0', cjs()]);
    expect(result).toMatchObject(FORKED);
    expect(stderr.match(/Debugger listening/g)).toHaveLength(1);
  });

  test('NODE_V8_COVERAGE: children write theirs', () => {
    const coverage = join(folder, 'coverage');
    const file = cjs();
    expect(node([file], { env: { NODE_V8_COVERAGE: coverage } }).result).toMatchObject(FORKED);
    interface Report {
      readonly result: { url: string; functions: { functionName: string; ranges: { count: number }[] }[] }[];
    }
    const counts = readdirSync(coverage).map((name) => {
      const { result } = JSON.parse(readFileSync(join(coverage, name), 'utf8')) as Report;
      const script = result.find(({ url }) => url.endsWith('/main.cjs'));
      return (
        script?.functions.find(({ functionName }) => functionName === 'exports.twice')?.ranges[0]?.count ?? 0
      );
    });
    expect(counts.filter((count) => count === 1)).toHaveLength(1);
  });

  test('source maps: stacks from children are in the original', () => {
    const map = {
      version: 3,
      sources: ['original.ts'],
      names: [],
      sourcesContent: ['\n\n\n\nthrow\n'],
      mappings: 'AAIA;AACA', // line 1 is line 5 of the original
    };
    const encoded = Buffer.from(JSON.stringify(map)).toString('base64');
    const mapped = write(
      'mapped.cjs',
      `exports.fail = () => { throw new Error('mapped'); };\n//# sourceMappingURL=data:application/json;base64,${encoded}\n`,
    );
    const file = write(
      'mapped-main.cjs',
      `const F = require(${library});
       if (F.isMainProcess) (async () => {
         const p = new F.Process({ target: F.ref(${JSON.stringify(mapped)}, 'fail'), stdio: 'ignore' });
         await p.start();
         console.log('RESULT ' + JSON.stringify(await p.result().catch((error) => error.stack)));
       })();`,
    );
    expect(node(['--enable-source-maps', file]).result).toMatch(/original\.ts:5/);
  });

  test('started by node:child_process.fork: the channel stays its own', async () => {
    const file = write(
      'channel.cjs',
      `const F = require(${library});
       exports.look = () => [process.connected, typeof process.send, process.env.NODE_CHANNEL_FD];
       if (F.isMainProcess) (async () => {
         const p = new F.Process({ target: exports.look });
         await p.start();
         process.send({ child: await p.result(), own: process.connected });
         process.disconnect();
       })();`,
    );
    const main = spawn(process.execPath, [file], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] });
    const told = new Promise((resolve) => main.once('message', resolve));
    const ended = new Promise((resolve) => main.once('exit', resolve));
    expect(await told).toEqual({ child: [null, 'undefined', null], own: true });
    expect(await ended).toBe(0);
  });

  test('a hundred at once: all exit with 0, and all with -15 when they are terminated', () => {
    const file = write(
      'hundred.cjs',
      `const F = require(${library});
       exports.nothing = () => 0;
       exports.sleep = () => new Promise((resolve) => setTimeout(resolve, 1e6));
       if (F.isMainProcess) (async () => {
         const codes = {};
         for (const target of [exports.nothing, exports.sleep]) {
           const all = Array.from({ length: 100 }, () => new F.Process({ target }));
           await Promise.all(all.map((one) => one.start()));
           if (target === exports.sleep) for (const one of all) one.terminate();
           // From several places at a time.
           await Promise.all(all.flatMap((one) => [one.join(), one.join({ timeout: 60_000 }), one.result().catch(() => 0)]));
           for (const one of all) codes[one.exitCode] = (codes[one.exitCode] ?? 0) + 1;
         }
         console.log('RESULT ' + JSON.stringify({ codes, left: F.activeChildren().length }));
       })();`,
    );
    expect(node([file]).result).toEqual({ codes: { '0': 100, '-15': 100 }, left: 0 });
  });

  /** Children that print their pid and run until they are ended. */
  const busy = () =>
    write(
      'busy.cjs',
      `const F = require(${library});
       exports.sleep = () => new Promise((resolve) => setTimeout(resolve, 1e6));
       if (F.isMainProcess) (async () => {
         const all = ['forkserver', 'spawn'].map((method) => new (F.getContext(method).Process)({ target: exports.sleep }));
         for (const one of all) await one.start();
         console.log('RESULT ' + JSON.stringify(all.map(({ pid }) => pid)));
       })();`,
    );

  async function resultOf(child: ReturnType<typeof spawn>): Promise<number[]> {
    let text = '';
    child.stdout?.on('data', (part: Buffer) => (text += part.toString()));
    const result = () =>
      outcomeOf({ stdout: text.replaceAll('\r', '') } as never).result as number[] | undefined;
    await until(() => /RESULT [^\n]*\n/.test(text));
    return result() ?? [];
  }

  const hasScript = spawnSync('script', ['--version']).status === 0;
  (hasScript ? test : test.skip)('Ctrl-C in a terminal ends all, with nothing printed but that', async () => {
    const command = `exec ${process.execPath} ${busy()}`;
    const terminal = spawn('script', ['--quiet', '--return', '--command', command, '/dev/null']);
    let printed = '';
    terminal.stdout.on('data', (part: Buffer) => (printed += part.toString()));
    const ended = new Promise<number | null>((resolve) => terminal.once('exit', resolve));
    const pids = await resultOf(terminal);
    expect(pids).toHaveLength(2);
    terminal.stdin.write('\x03');
    expect(await ended).toBe(130);
    await until(() => !pids.some(runs));
    expect(
      printed
        .replace(/RESULT.*/, '')
        .replace('^C', '')
        .trim(),
    ).toBe('');
  });

  (hasScript ? test : test.skip)('a preload that printed to the terminal: piped children do not', () => {
    const preload = write(
      'talks.cjs',
      `console.log('preloaded');
       exports.talk = () => { console.log('x'.repeat(99)); return process.stdout.isTTY === true; };`,
    );
    const file = write(
      'talks-main.cjs',
      `const F = require(${library});
       const { text } = require('node:stream/consumers');
       if (F.isMainProcess) (async () => {
         F.setForkserverPreload([${JSON.stringify(preload)}]);
         const outcomes = [];
         for (const stdio of ['pipe', 'ignore', 'inherit']) {
           const p = new F.Process({ target: F.ref(${JSON.stringify(preload)}, 'talk'), stdio });
           await p.start();
           outcomes.push([stdio, await text(p.stdout ?? []).then(({ length }) => length), await p.result()]);
           await p.join();
         }
         console.log('RESULT ' + JSON.stringify(outcomes));
       })();`,
    );
    const { stdout } = spawnSync(
      'script',
      ['--quiet', '--return', '--command', `exec ${process.execPath} ${file}`, '/dev/null'],
      { encoding: 'utf8', timeout: 20_000, stdio: ['ignore', 'pipe', 'inherit'] },
    );
    const printed = stdout.replaceAll('\r', '');
    expect(outcomeOf({ stdout: printed } as never).result).toEqual([
      ['pipe', 100, false],
      ['ignore', 0, false],
      ['inherit', 0, true],
    ]);
    expect(printed.replace(/RESULT.*/, '').trim()).toBe(`preloaded\n${'x'.repeat(99)}`);
  });

  // Without the right to make namespaces there is no container to be the first process of.
  const mayUnshare = spawnSync('unshare', ['--pid', '--fork', '--mount-proc', 'true']).status === 0;
  (mayUnshare ? test : test.skip)('as the first process of a container', () => {
    const { status, stdout, stderr } = spawnSync(
      'unshare',
      ['--pid', '--fork', '--mount-proc', '--kill-child', process.execPath, cjs()],
      { encoding: 'utf8', timeout: 30_000 },
    );
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(outcomeOf({ status, stdout, stderr } as never).result).toMatchObject(FORKED);
  });

  test('SIGTERM for the main program ends all that it has started', async () => {
    const main = spawn(process.execPath, [busy()]);
    const pids = await resultOf(main);
    main.kill('SIGTERM');
    await until(() => !pids.some(runs));
  });
});
