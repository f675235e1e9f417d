import { spawnSync } from 'node:child_process';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import { ref } from 'forkful';
import * as prints from '../fixtures/prints.js';
import { argumentsFor, describeEach, thrown } from './methods';

function read(stream: Readable | null): Promise<string> {
  return stream === null ? Promise.resolve('') : text(stream);
}

describeEach('stdio', ({ method, context }) => {
  const { Process: P, Pool } = context;

  /** A main program with `P` and `prints`. */
  function program(code: string) {
    const source = `
      const F = require(${JSON.stringify(require.resolve('forkful'))});
      const P = F.getContext('${method}').Process;
      const prints = F.refs(${JSON.stringify(require.resolve('../fixtures/prints.js'))});
      (async () => { ${code} })();`;
    const { status, stdout, stderr } = spawnSync(process.execPath, [...argumentsFor(method), '-e', source], {
      encoding: 'utf8',
      timeout: 20_000,
    });
    return { status, stdout, stderr };
  }

  test("'pipe': what the child prints, at any time and once", async () => {
    const child = new P({ target: prints.both, args: ['to stdout', 'to stderr'], stdio: 'pipe' });
    expect([child.stdout, child.stderr]).toEqual([null, null]);
    await child.start();
    await child.join();
    expect(child.stdout).toBe(child.stdout);
    const [out, err] = await Promise.all([child.stdout, child.stderr].map((one) => read(one)));
    expect({ out, err, code: child.exitCode }).toEqual({ out: 'to stdout', err: 'to stderr', code: 0 });
    child.close();
    expect(thrown(() => child.stdout).code).toBe('ERR_FORKFUL_CLOSED');
  });

  test("'pipe': more than a pipe holds, complete and in order", async () => {
    const child = new P({ target: prints.many, args: [10_000], stdio: 'pipe' });
    await child.start();
    const lines = (await read(child.stdout)).split('\n');
    expect(lines).toHaveLength(10_001);
    expect(lines.slice(0, -1).every((line, i) => line === String(i).padStart(99, '.'))).toBe(true);
    expect(await child.join()).toBe(true);
    child.close();
  });

  test("'pipe': an error of the child is on its stderr", async () => {
    const child = new P({
      target: ref('node:fs', 'readFileSync'),
      args: ['/nowhere'],
      name: 'Ada',
      stdio: 'pipe',
    });
    await child.start();
    await expect(child.result()).rejects.toMatchObject({ code: 'ENOENT' });
    expect(await read(child.stderr)).toMatch(/^Process Ada:\nError: ENOENT/);
    await child.join();
    expect(child.exitCode).toBe(1);
    child.close();
  });

  test("'pipe': the streams of a daemon do not keep the program alive, those of others do", () => {
    const { status, stdout, stderr } = program(`
      const daemon = new P({ target: prints.forEver, daemon: true, stdio: 'pipe' });
      await daemon.start();
      daemon.stdout.resume();
      const other = new P({ target: prints.many, args: [3000], stdio: 'pipe' });
      await other.start();
      let bytes = 0;
      other.stdout.on('data', (part) => (bytes += part.length));
      other.stdout.on('end', () => console.log('bytes', bytes));`);
    expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: 'bytes 300000\n', stderr: '' });
  });

  test("'pipe': a child has ended though somebody else still has its stream", async () => {
    const child = new P({ target: prints.leave, stdio: 'pipe' });
    await child.start();
    await child.join();
    expect(await read(child.stdout)).toBe('afterwards\n');
    child.close();
  });

  test("'pipe': nobody looks, and the program ends", () => {
    const outcome = program(`
      const child = new P({ target: prints.both, args: ['a', 'b'], stdio: 'pipe' });
      await child.start();
      await child.join();
      child.close();`);
    expect(outcome).toEqual({ status: 0, stdout: '', stderr: '' });
  });

  test("'inherit' and 'ignore': no streams", () => {
    const outcome = program(`
      for (const stdio of ['inherit', 'ignore']) {
        const child = new P({ target: prints.both, args: [stdio, stdio], stdio });
        await child.start();
        await child.join();
        if (child.stdout !== null || child.stderr !== null) process.exit(1);
      }`);
    expect(outcome).toEqual({ status: 0, stdout: 'inherit', stderr: 'inherit' });
  });

  test('linePrefix: whole lines, each with the name or the text', async () => {
    const child = new P({ target: prints.parts, name: 'Ada', stdio: 'pipe', linePrefix: true });
    await child.start();
    const [out, err] = await Promise.all([child.stdout, child.stderr].map((one) => read(one)));
    expect({ out, err }).toEqual({ out: '[Ada] one line ü\n[Ada] another\n', err: '[Ada] told\n' });
    await child.join();
    child.close();
    const other = new P({ target: prints.both, args: ['a\n\nb', ''], stdio: 'pipe', linePrefix: '> ' });
    await other.start();
    expect(await read(other.stdout)).toBe('> a\n> \n> b\n');
    await other.join();
    other.close();
  });

  test('what is none of these is refused', () => {
    expect(thrown(() => new P({ stdio: 'pipes' as never })).message).toContain("'inherit', 'pipe', 'ignore'");
    expect(thrown(() => new P({ linePrefix: 1 as never })).message).toContain('[name]');
    expect(thrown(() => new Pool({ stdio: 'pipes' as never })).message).toContain(
      "'inherit', 'pipe', 'ignore'",
    );
  });
});
