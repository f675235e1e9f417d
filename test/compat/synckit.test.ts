import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import * as original from 'synckit';
import * as adapter from 'forkful/compat/synckit';

const packages: [name: string, synckit: Pick<typeof adapter, 'createSyncFn' | 'runAsWorker'>][] = [
  ['original', original as unknown as typeof adapter],
  ['adapter', adapter],
];
const fixture = (name: string) => join(__dirname, '..', 'fixtures', 'compat', name);
type Methods = (verb: string, ...args: unknown[]) => Promise<unknown>;

function thrown(fn: () => unknown): unknown {
  try {
    fn();
  } catch (error) {
    return error;
  }
  throw new Error('expected an error');
}

// What a pool does in the event loop's next turn must find this environment alive.
afterAll(() => new Promise((resolve) => setImmediate(resolve)));

describe.each(packages)('%s', (name, { createSyncFn, runAsWorker }) => {
  const file = (rest = '.cjs') => fixture(`sync-${name}${rest}`);

  test.each(['.cjs', '.mjs'])('a %s worker', (ending) => {
    const fn = createSyncFn<Methods>(file(ending));
    expect([fn('add', 1, 2), fn('later', 20), fn('add', 'a', 'b')]).toEqual([3, 'late', 'ab']);
    expect(fn('types', 'x')).toEqual({ map: new Map([[1, 'x']]), bytes: new Uint8Array([1, 2]), big: 5n });
  });

  test('there is one function for each worker', () => {
    const fn = createSyncFn<Methods>(file());
    expect(createSyncFn(file(), 1)).toBe(fn);
    expect(createSyncFn(pathToFileURL(file()))).toBe(fn);
    expect(createSyncFn(String(pathToFileURL(file())))).toBe(fn);
    expect(() => createSyncFn('./worker.js')).toThrow('`workerPath` must be absolute');
  });

  test('errors', () => {
    const fn = createSyncFn<Methods>(file());
    const error = thrown(() => fn('fail')) as RangeError & { warnings: unknown };
    expect([error.name, error.message, error.warnings]).toEqual(['RangeError', 'failed', ['a']]);
    expect(error.stack).toMatch(/sync-methods\.js/);
    expect(thrown(() => fn('failText'))).toBe('text');
    expect(fn('add', 1, 1)).toBe(2);
  });

  test('a timeout', () => {
    const fn = createSyncFn<Methods>(file('-timeout.cjs'), { timeout: 5000 });
    expect(fn('add', 1, 1)).toBe(2);
    const short = createSyncFn<Methods>(file('.mjs'), 300); // has been made without a timeout
    expect(short('later', 400)).toBe('late');
  });

  test('a worker that does not load', () => {
    expect(() => createSyncFn<Methods>(file('-throws.cjs'))('add', 1, 2)).toThrow('not loaded');
  });

  test('a worker that ends', () => {
    expect(() => createSyncFn<Methods>(file('-exit.cjs'))('exit')).toThrow('Worker exited with code 5');
  });

  test('globalShims', () => {
    const globalShims = [{ moduleName: 'node:path', globalName: 'pathOfShim', named: null }];
    const fn = createSyncFn<Methods>(file('-shims.cjs'), { globalShims });
    expect(fn('global', 'pathOfShim')).toBe('object');
  });

  test('runAsWorker elsewhere', () => {
    expect(runAsWorker(() => 1)).toBe(undefined);
  });
});

describe('better than the original', () => {
  test('after a timeout the next call has another worker, whatever the first one does', () => {
    const fn = adapter.createSyncFn<Methods>(fixture('sync-adapter-timeout.cjs'));
    const busy = adapter.createSyncFn<Methods>(pathToFileURL(fixture('sync-adapter-busy.cjs')), 2000);
    expect(fn('add', 1, 2)).toBe(3);
    expect(busy('add', 1, 2)).toBe(3);
    expect(() => busy('spin')).toThrow('Internal error: Atomics.wait() failed: timed-out');
    expect(busy('add', 3, 4)).toBe(7);
  });

  test('TypeScript by tsx', () => {
    const fn = adapter.createSyncFn<(x: number) => number>(fixture('sync-adapter-ts.mts'), {
      tsRunner: adapter.TsRunner.TSX,
    });
    expect(fn(21)).toBe(42);
    expect(() =>
      adapter.createSyncFn(fixture('sync-adapter-ts-none.mts'), { tsRunner: 'none' as never }),
    ).toThrow('Unknown ts runner: none');
  });

  test('a Buffer stays a Buffer; a module that does not register says so', () => {
    const fn = adapter.createSyncFn<Methods>(fixture('sync-adapter.cjs'));
    expect(fn('isBuffer', Buffer.from('x'))).toBe(true);
    const nothing = adapter.createSyncFn<Methods>(fixture('sync-nothing.cjs'));
    expect(() => nothing('add')).toThrow(/to call runAsWorker\(fn\)/);
  });
});
