import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { getAllStartMethods } from 'forkful';
import { outcomeOf, programOf, programText, type Outcome } from './program';

const file = JSON.stringify(require.resolve('./fixtures/packages.js'));
const PACKAGES = ['typescript', 'terser', 'express', 'undici', 'pg'];

/** Compiled for one version of Node, and slowly: whoever wants it tested installs it here, as CONTRIBUTING says. */
const SQLITE = join('build', 'packages');
const sqlite = findSqlite();

function findSqlite(): string | undefined {
  try {
    const found = require.resolve('better-sqlite3', { paths: [join(__dirname, '..', SQLITE)] });
    execFileSync(process.execPath, ['-e', `new (require(${JSON.stringify(found)}))(':memory:')`], {
      stdio: 'ignore',
    });
    return found;
  } catch {
    return undefined;
  }
}

/** Starts one process for each of the names, all at once; `told` has what they say. */
const START = (names: readonly string[]) => `
  const all = ${JSON.stringify(names)}.map((name) => new F.Process({ target: F.ref(${file}, name), name }));
  await Promise.all(all.map((one) => one.start()));
  const told = await Promise.all(all.map((one) => one.result().then((value) => value ?? 'fine', (error) => error.stack)));
  for (const one of all) await one.join();
  const info = F.backend();`;

(getAllStartMethods().includes('forkserver') ? describe : describe.skip)(
  'packages that are preloaded',
  () => {
    test.each([
      ['loaded', ''],
      ['loaded and used', `warmup: F.ref(${file}, 'warmup'), `],
    ])('%s before the fork, then used by children', (_, warmup) => {
      const { result, stderr } = programOf(`
      F.setForkserverPreload([${file}], { ${warmup}onError: 'fail' });
      ${START([...PACKAGES, ...PACKAGES])}
      finish({ told, method: info.startMethod });`);
      expect(stderr).toBe('');
      expect(result).toEqual({ told: [...PACKAGES, ...PACKAGES].map(() => 'fine'), method: 'forkserver' });
    });

    test('siblings never share what nanoid, uuid and ObjectId give', () => {
      const { result, stderr } = programOf(`
      F.setForkserverPreload([${file}, 'nanoid'], { onError: 'fail' });
      ${START(Array.from({ length: 12 }, () => 'draw'))}
      finish({ told, method: info.startMethod });`);
      expect(stderr).toBe('');
      const drawn = (result.told as string[][]).flat();
      expect(drawn).toHaveLength(48);
      expect(new Set(drawn).size).toBe(48);
      expect(result.method).toBe('forkserver');
    });

    test('siblings get the answers to their own requests, though the warm-up left connections open', async () => {
      const server = createServer((request, response) => response.end(`for ${request.headers['from']}`));
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const env = {
        ...process.env,
        FORKFUL_TEST_URL: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      };
      try {
        const code = programText(`
        F.setForkserverPreload([${file}], { warmup: F.ref(${file}, 'ask'), onError: 'ignore' });
        ${START(Array.from({ length: 12 }, () => 'ask'))}
        finish({ told, method: info.startMethod });`);
        const { result } = await new Promise<Outcome>((resolve) => {
          const main = spawn(process.execPath, ['-e', code], { env, stdio: ['ignore', 'pipe', 'inherit'] });
          let stdout = '';
          main.stdout.on('data', (part: Buffer) => (stdout += part.toString()));
          main.once('close', (status) => resolve(outcomeOf({ status, stdout, stderr: '' } as never)));
        });
        expect(result).toEqual({ told: Array.from({ length: 12 }, () => true), method: 'forkserver' });
      } finally {
        server.close();
        server.closeAllConnections();
      }
    });

    (sqlite === undefined ? test.skip : test)(`better-sqlite3, if ${SQLITE} has it for this Node`, () => {
      const folder = mkdtempSync(join(tmpdir(), 'forkful-'));
      try {
        const { result, stderr } = programOf(
          `
        const [sqlite, file] = [${JSON.stringify(require.resolve('./fixtures/sqlite.js'))}, ${JSON.stringify(join(folder, 'rows.db'))}];
        const database = new (require(process.env.FORKFUL_TEST_SQLITE))(file);
        database.pragma('journal_mode = WAL');
        database.exec('create table rows (writer integer, number integer)');
        F.setForkserverPreload([sqlite], { warmup: F.ref(sqlite, 'warmup'), onError: 'fail' });
        const all = [1, 2, 3, 4].map((writer) => new F.Process({ target: F.ref(sqlite, 'insert'), args: [file, writer, 50] }));
        await Promise.all(all.map((one) => one.start()));
        const counts = await Promise.all(all.map((one) => one.result()));
        for (const one of all) await one.join();
        const { count } = database.prepare('select count(*) as count from rows').get();
        database.close();
        finish({ counts, count, method: F.backend().startMethod });`,
          { env: { FORKFUL_TEST_SQLITE: sqlite ?? '' } },
        );
        expect(stderr).toBe('');
        expect(result).toEqual({ counts: [50, 50, 50, 50], count: 200, method: 'forkserver' });
      } finally {
        rmSync(folder, { recursive: true });
      }
    });

    test.each(['sharp', 'esbuild'])('%s, which has threads of its own: spawned with the reason', (name) => {
      const fixture = JSON.stringify(require.resolve(`./fixtures/preload-${name}.js`));
      const { result } = programOf(`
      F.setForkserverPreload([${fixture}], { warmup: F.ref(${fixture}, 'warmup'), onError: 'fail' });
      const p = new F.Process({ target: F.ref(${fixture}, 'use') });
      await p.start();
      const value = await p.result();
      await p.join();
      finish({ value, code: p.exitCode, info: F.backend() });
      process.exit();`);
      expect(result).toMatchObject({ value: 'fine', code: 0, info: { startMethod: 'spawn' } });
      expect(result.info.reason).toMatch(new RegExp(`threads are running .*preload-${name}`));
    });
  },
);
