import { getAllStartMethods } from 'forkful';
import { programOf } from './program';

const fixture = JSON.stringify(require.resolve('./fixtures/preloaded.js'));
const other = JSON.stringify(require.resolve('./fixtures/pool-tasks.js'));

/** A main program that refers to the fixture as `made`, without loading it, and runs one of its functions by `ask`. */
function run(code: string, env: Record<string, string> = {}) {
  return programOf(
    `const file = ${fixture};
    const made = F.refs(file);
    const ask = async (context, target = made.tell) => {
      const child = new context.Process({ target });
      await child.start();
      const told = await child.result();
      await child.join();
      return told;
    };
    const fs = require('node:fs');
    const servers = () => fs.readFileSync('/proc/self/task/' + process.pid + '/children', 'utf8').trim().split(' ')
      .filter((pid) => pid && fs.readFileSync('/proc/' + pid + '/cmdline', 'utf8').includes('forkserver')).length;
    ${code}`,
    { env },
  );
}

(getAllStartMethods().includes('forkserver') ? describe : describe.skip)('a forkserver of one’s own', () => {
  test('of a context: its children, and theirs, are born with what it has loaded; others are not', () => {
    const { result, stderr } = run(`
      const own = F.getContext('forkserver', { preload: [file], warmup: made.warmUp, onError: 'fail' });
      const plain = F.getContext('forkserver');
      const told = [await ask(own), await ask(own), await ask(plain), await ask(own, made.nested)];
      const pool = new own.Pool(2);
      const ofPool = await pool.broadcast(made.tell);
      await pool.close();
      finish({ told, ofPool, servers: servers() });`);
    expect(stderr).toBe('');
    const { told, ofPool, servers } = result;
    const [first, second, plain, nested] = told;
    expect(first).toMatchObject({ loadedIn: first.ppid, warmedUpIn: first.ppid, count: 1 });
    expect(plain).toMatchObject({ loadedIn: plain.pid, count: 0 });
    expect(plain.ppid).not.toBe(first.ppid);
    for (const one of [second, nested, ...ofPool]) {
      expect(one).toMatchObject({ ppid: first.ppid, loadedIn: first.ppid, count: 1 });
    }
    expect(servers).toBe(2);
  });

  test('of a context instead of the program’s, of a pool in addition to either', () => {
    const { result } = run(`
      F.setForkserverPreload([${other}]);
      const hasOther = F.refs(${other}).hasLoaded;
      const loaded = async (pool) => {
        const both = [await pool.apply(hasOther, ['pool-tasks.js']), (await pool.apply(made.tell)).count];
        await pool.close();
        return both;
      };
      const own = F.getContext('forkserver', { preload: [file], warmup: made.warmUp });
      const pools = [
        new F.Pool(1),
        new F.Pool({ processes: 1, preload: [file], warmup: made.warmUp }),
        new own.Pool(1),
        new own.Pool({ processes: 1, warmup: made.warmUp }),
      ];
      finish([await loaded(pools[0]), await loaded(pools[1]), await loaded(pools[2]), await loaded(pools[3])]);`);
    expect(result).toEqual([
      [true, 0],
      [true, 1],
      [true, 1], // the function is of that module
      [true, 2],
    ]);
  });

  test('of a pool: loaded and exercised once for all workers, also those that are replaced', () => {
    const { result } = run(`
      const pool = new F.Pool({ processes: 2, preload: [file], warmup: made.warmUp, maxTasksPerChild: 1 });
      const told = await pool.map(made.tell, Array.from({ length: 6 }), { chunksize: 1 });
      await pool.close();
      const again = new F.Pool({ processes: 1, preload: [file], warmup: made.warmUp });
      told.push(await again.apply(made.tell));
      await again.close();
      finish({ told, servers: servers() });`);
    const { told, servers } = result;
    const [{ ppid }] = told;
    expect(new Set(told.map(({ pid }: { pid: number }) => pid)).size).toBe(7);
    for (const one of told) expect(one).toMatchObject({ ppid, loadedIn: ppid, warmedUpIn: ppid, count: 1 });
    expect(servers).toBe(1);
  });

  test('a warm-up of a pool that starts threads: its workers are spawned, others are forked still', () => {
    const { result } = run(`
      const pool = new F.Pool({ processes: 1, preload: [file], warmup: made.startThread });
      const spawned = await pool.apply(made.tell);
      await pool.close();
      const forked = await ask(F);
      finish({ main: process.pid, spawned, forked, reason: F.backend().reason ?? null, method: F.getStartMethod() });`);
    const { main, spawned, forked, method } = result;
    expect(spawned.ppid).toBe(main);
    expect(forked.ppid).not.toBe(main);
    expect(method).toBe('forkserver');
  });

  test('a warm-up of a pool that never ends is a time limit like that of its tasks', () => {
    const { result, status } = run(`
      const errorOf = (promise) => promise.then(() => 'fine', (error) => error);
      const pool = new F.Pool({ processes: 1, warmup: made.hangForEver, taskTimeout: 300, killAfter: 0 });
      const error = await errorOf(pool.apply(made.tell));
      await pool.terminate();
      const asked = F.getContext('forkserver');
      const strict = new asked.Pool({ processes: 1, warmup: made.hangForEver, taskTimeout: 300, killAfter: 0 });
      const refused = await errorOf(strict.apply(made.tell));
      await strict.terminate();
      finish({ error: [error.name, error.message], refused: [refused.code, refused.message], servers: servers() });`);
    expect(status).toBe(0);
    expect(result.error[1]).toMatch(/300/);
    expect(result.refused[1]).toMatch(/preload has not ended within 300 ms/);
    expect(result.servers).toBe(0);
  });

  test('what getContext cannot do with it is refused', () => {
    const { result } = run(`
      const codes = [];
      for (const args of [
        ['spawn', { preload: [] }],
        [undefined, { preload: [] }],
        ['forkserver', { preload: 'text' }],
        ['forkserver', { preload: ['./nowhere.js'] }],
        ['forkserver', { onError: 'panic' }],
        ['forkserver', { preloads: [] }],
      ]) {
        try { F.getContext(...args); codes.push('fine') } catch (error) { codes.push(error.code.replace('ERR_FORKFUL_', '')) }
      }
      finish(codes);`);
    expect(result).toEqual([
      'INVALID_ARGUMENT',
      'INVALID_ARGUMENT',
      'INVALID_ARGUMENT',
      'FUNCTION_REFERENCE',
      'INVALID_ARGUMENT',
      'INVALID_ARGUMENT',
    ]);
  });
});
