import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { hasSignals } from '../where';
import { node, programText } from '../program';
import { argumentsFor, describeEach, exists, until } from './methods';
import { notesOfEachTest } from './pools';

const TASKS = JSON.stringify(require.resolve('../fixtures/tasks.js'));
const MORE = JSON.stringify(require.resolve('../fixtures/pool-tasks.js'));

/** What a program of its own shows of a pool. */
describeEach('Pool: in a program', ({ backend, method }) => {
  const notes = notesOfEachTest();
  const env = { FORKFUL_BACKEND: backend };
  const commandLine = (code: string) => [
    '--expose-gc',
    ...argumentsFor(method),
    '-e',
    programText(`
      const tasks = require(${TASKS});
      const more = require(${MORE});
      const { Pool } = F.getContext('${method}');
      const turn = () => new Promise((resolve) => setTimeout(resolve, 5));
      const until = async (condition) => { while (!condition()) { gc(); await turn(); } };
      ${code}`),
  ];
  const run = (code: string) => node(commandLine(code), { env });

  test('an idle pool does not keep it alive; a task does', () => {
    const { status, result, stderr } = run(`
      const pool = new Pool({ processes: 2, minProcesses: 1 });
      await pool.ready();
      finish(await pool.apply(tasks.later, [100, 'done']));`);
    expect({ status, result, stderr }).toEqual({ status: 0, result: 'done', stderr: '' });
  });

  test('a pool that is collected open warns, finishes its work, and its workers end', () => {
    const { status, result, stderr } = run(`
      const warnings = [];
      process.on('warning', ({ name, message }) => warnings.push([name, message]));
      let ended = false;
      const { pid, last } = await (async () => {
        const pool = new Pool(1);
        return { pid: await pool.apply(tasks.pid), last: pool.apply(tasks.later, [50, 'last']) };
      })();
      await until(() => warnings.length > 0);
      const isGone = () => { try { process.kill(pid, 0); return false; } catch { return true; } };
      const value = await last;
      await until(isGone);
      finish([value, warnings.length, ...warnings[0]]);`);
    expect(stderr).toContain('ForkfulOpenPoolWarning');
    expect(status).toBe(0);
    expect(result).toEqual(['last', 1, 'ForkfulOpenPoolWarning', expect.stringMatching(/collected.*open/)]);
  });

  test('a pool that is closed, or has listeners, does not warn when it is collected', () => {
    const { result, stderr } = run(`
      let collected = 0;
      const registry = new FinalizationRegistry(() => collected++);
      let heard = 0;
      await (async () => {
        const closed = new Pool(1);
        await closed.apply(tasks.pid);
        await closed.close();
        registry.register(closed);
        const listened = new Pool({ processes: 1, idleTimeout: 300 });
        listened.on('workerExit', () => heard++);
        await listened.apply(tasks.pid);
      })();
      await until(() => collected === 1);
      const keepAlive = setInterval(() => undefined, 1000);
      await until(() => heard === 1);
      clearInterval(keepAlive);
      finish([collected, heard]);`);
    expect({ result, stderr }).toEqual({ result: [1, 1], stderr: '' });
  });

  test('an error that nobody asks for becomes a warning; one that somebody has seen does not', () => {
    const { result } = run(`
      const warnings = [];
      process.on('warning', ({ name, message }) => warnings.push([name, message.split('\\n')[0]]));
      const pool = new Pool(1);
      await (async () => {
        const asked = pool.applyAsync(tasks.fail, ['asked']);
        await asked.wait();
        await asked.get().catch(() => undefined);
        const cancelled = pool.applyAsync(more.hang, [], { killAfter: 0 });
        cancelled.cancel();
        const unasked = pool.applyAsync(tasks.fail, ['unasked']);
        await unasked.wait();
      })();
      await until(() => warnings.length > 0);
      for (let i = 0; i < 10; i++) { gc(); await turn(); }
      await pool.close();
      finish(warnings);`);
    expect(result).toEqual([['ForkfulUnaskedError', expect.stringContaining('RangeError: unasked')]]);
  });

  test("what a callback throws is the caller's uncaught error; the pool goes on", () => {
    const { status, result } = run(`
      const uncaught = [];
      process.on('uncaughtException', (error) => uncaught.push(error.message));
      const pool = new Pool(1);
      const callback = () => { throw new Error('from the callback'); };
      const value = await pool.applyAsync(tasks.add, [1, 2], { callback });
      await pool.applyAsync(tasks.fail, ['x'], { errorCallback: callback }).wait();
      await pool.map(tasks.double, [1, 2], { progress: () => { throw new Error('from progress'); } });
      await until(() => uncaught.length >= 3);
      const after = await pool.apply(tasks.add, [3, 4]);
      await pool.close();
      finish([value, after, [...new Set(uncaught)]]);`);
    expect(status).toBe(0);
    expect(result).toEqual([3, 7, ['from the callback', 'from progress']]);
  });

  test('progress: true draws a bar on a terminal, and nothing elsewhere', () => {
    const code = `
      const pool = new Pool(1);
      await pool.map(tasks.double, [1, 2, 3, 4], { chunksize: 1, progress: true });
      await turn();
      await pool.close();
      finish('done');`;
    expect(run(code)).toMatchObject({ stderr: '', result: 'done' });
    const { stderr } = run(`process.stderr.isTTY = true; ${code}`);
    expect(stderr).toMatch(/^\r\[#* *\] \d\/4 /);
    expect(stderr).toMatch(/\r\[#{30}\] 4\/4 \d+\/s 0 s left\u001b\[K\n$/);
  });

  if (hasSignals) {
    /** Runs it in a process group of its own, to which Ctrl-C goes once there are so many notes. */
    async function interrupted(code: string, lines: number) {
      const child = spawn(process.execPath, commandLine(code), {
        detached: true,
        env: { ...process.env, ...env },
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      let stdout = '';
      let stderr = '';
      child.stdout.on('data', (data: Buffer) => (stdout += data.toString()));
      child.stderr.on('data', (data: Buffer) => (stderr += data.toString()));
      const closed = once(child, 'close');
      await notes.now.hasLines(lines);
      process.kill(-child.pid!, 'SIGINT');
      await closed;
      return { stdout, stderr, signal: child.signalCode };
    }

    test('Ctrl-C ends it and its workers, without a word of theirs', async () => {
      const file = JSON.stringify(notes.file);
      const { signal, stderr } = await interrupted(
        `const pool = new Pool(2);
         await Promise.all([pool.apply(more.busyForEver, [${file}]), pool.apply(more.noteThenHang, [${file}])]);`,
        2,
      );
      expect({ signal, stderr }).toEqual({ signal: 'SIGINT', stderr: '' });
      await until(() => !notes.now.lines.map(Number).some(exists));
    });

    test('who catches Ctrl-C decides: the workers go on', async () => {
      const file = JSON.stringify(notes.file);
      const { stdout, stderr } = await interrupted(
        `const pool = new Pool(1);
         const told = new Promise((resolve) => process.on('SIGINT', resolve));
         const result = pool.apply(more.countTogether, [${file}, 2]);
         await told;
         require('node:fs').appendFileSync(${file}, 'go\\n');
         finish(await result);
         await pool.close();
         process.exit();`,
        1,
      );
      expect({ stdout, stderr }).toEqual({ stdout: 'RESULT 1\n', stderr: '' });
    });
  }
});
