import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { cpSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { runInNewContext } from 'node:vm';
import { inline, instanceReference, ref, referTo, refs, type TargetReference } from '../dist/function-ref';

const directory = join(__dirname, 'fixtures', 'functions');
const fixture = (name: string) => join(directory, name);
const url = (name: string) => pathToFileURL(fixture(name));
/* eslint-disable @typescript-eslint/no-require-imports -- as their users do */
const cjs = require('./fixtures/functions/cjs.js');
const callable = require('./fixtures/functions/callable.js');
const compiled = require('./fixtures/functions/compiled.js');
/* eslint-enable */

interface Outcome {
  reference: TargetReference & { hash?: string };
  result?: unknown;
  error?: { code: string; message: string; cause?: string };
}

function node(...args: string[]): Outcome {
  return JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }));
}

/** In a process of its own, as a worker would. */
function run(reference: TargetReference, ...args: unknown[]): Outcome {
  return node(fixture('child.js'), JSON.stringify(reference), JSON.stringify(args));
}

/** The same for a target that an ES module has, which is looked for in a process of its own, too. */
function parent(module: string | URL, expression: string): Outcome {
  return node(fixture('parent.mjs'), String(module), expression);
}

function there(module: string | URL, expression: string, ...args: unknown[]): unknown {
  const { reference, error } = parent(module, expression);
  if (error !== undefined) throw new Error(error.message);
  return run(reference, ...args).result;
}

function refusal(target: unknown): string {
  try {
    referTo(target);
  } catch (error) {
    expect(error).toMatchObject({ name: 'FunctionReferenceError', code: 'ERR_FORKFUL_FUNCTION_REFERENCE' });
    return (error as Error).message;
  }
  throw new Error('it was taken');
}

describe('functions of CommonJS modules', () => {
  const module = fixture('cjs.js');

  test.each([
    ['an export', cjs.add, 'add', [1, 2], 3],
    ['an export under another name than its own', cjs.renamed, 'renamed', [1], -1],
    ['a static method, with its class as this', cjs.Counter.from, 'Counter.from', [4], { n: 4 }],
    ['a method of an exported object, with the object as this', cjs.api.scale, 'api.scale', [2], 6],
    ['an exported object literal with run()', cjs.task, 'task.run', [1], 101],
    ['a closure, as far as it is exported', cjs.twice, 'twice', [4], 8],
    ['a bound function, if it is exported', cjs.bound, 'bound', [4], 5],
    ['a generator', cjs.count, 'count', [3], [0, 1, 2]],
  ])('%s', (_title, target, name, args, result) => {
    expect(referTo(target)).toEqual({ kind: 'function', module, name });
    expect(run(referTo(target), ...args)).toEqual({ result });
  });

  test('the module itself, and what hangs on it', () => {
    expect(referTo(callable)).toEqual({ kind: 'function', module: fixture('callable.js'), name: 'default' });
    expect(run(referTo(callable), 1)).toEqual({ result: 2 });
    expect(run(referTo(callable.helper), 1)).toEqual({ result: 3 });
  });

  test('what compilers make of ES modules', () => {
    expect(run(referTo(compiled.increment), 1)).toEqual({ result: 2 });
    expect(run(referTo(compiled.default), 1)).toEqual({ result: 3 });
  });

  test('an object of an exported class, with its public fields', () => {
    const job = new cjs.Job(40);
    const reference = { kind: 'object', module, name: 'Job', fields: { n: 40 } };
    expect(referTo(job)).toEqual(reference);
    expect(instanceReference(job)).toEqual(reference);
    expect(run(referTo(job), 2)).toEqual({ result: 42 });
  });

  test('the fields are those at the time, not those of the first call', () => {
    const job = new cjs.Job(1);
    referTo(job);
    job.n = 2;
    expect(referTo(job)).toMatchObject({ fields: { n: 2 } });
  });

  test('a main module, also while it still runs', () => {
    const { late, closure, ...early } = node(fixture('main.js')) as Outcome & {
      late: Outcome;
      closure: Outcome;
    };
    expect(early.reference).toEqual({
      kind: 'function',
      module: fixture('main.js'),
      name: 'work',
      hash: expect.any(String),
    });
    expect(run(early.reference, 1)).toEqual({ result: 2 });
    expect(late.reference).toEqual({ kind: 'function', module: fixture('main.js'), name: 'again' });
    expect(run(late.reference, 1)).toEqual({ result: 2 });
    expect(closure.error).toMatch(/uses variables of the code around it/);
  });
});

describe('functions of ES modules', () => {
  const esm = url('esm.mjs');

  test.each([
    ['an export', 'm.add', [1, 2], 3],
    ['an export under another name than its own', 'm.renamed', [1], 101],
    ['a default export without a name', 'm.default', [1], -1],
    ['a static method, with its class as this', 'm.Counter.from', [4], { n: 4, made: 1 }],
    ['a method of an exported object, with the object as this', 'm.api.scale', [2], 6],
    ['an exported object literal with run()', 'm.task', [1], 101],
    ['an object of an exported class', 'new m.Job(40)', [2], 42],
    ['one of several closures of the same text', 'm.thrice', [2], 6],
    ['an asynchronous function', 'm.later', [1], 2],
  ])('%s', (_title, expression, args, result) => {
    expect(there(esm, expression, ...args)).toEqual(result);
  });

  test('a module with top-level await', () => {
    expect(there(url('waiting.mjs'), 'm.add', 1)).toBe(6);
  });

  test('a default class without a name', () => {
    expect(there(url('default-class.mjs'), 'new m.default()', 1)).toBe(2);
  });

  test('a main module that still runs', () => {
    expect(run(node(fixture('main.mjs')).reference, 1)).toEqual({ result: 2 });
  });

  test('a module with a query keeps it', () => {
    const { reference } = parent(`${esm.href}?v=2`, 'm.add');
    expect(reference).toMatchObject({ module: `${esm.href}?v=2`, name: 'add' });
    expect(run(reference, 1, 2)).toEqual({ result: 3 });
  });

  test('CommonJS and built-in modules that it imports', () => {
    expect(there(url('cjs.js'), 'm.default.add', 1, 2)).toBe(3);
    expect(parent('node:path', 'm.join').reference).toEqual({
      kind: 'function',
      module: 'node:path',
      name: 'join',
    });
    expect(there('node:path', 'm.join', 'a', 'b')).toBe(join('a', 'b'));
  });

  test.each([
    [
      'a function that is not exported',
      'm.kept.get("notCaptured")',
      /"notCaptured" is not exported by .*esm\.mjs: export it/,
    ],
    ['a closure', 'm.hidden.closureOf()', /"product" is not exported .* \(Closure \(multiplyBy\)\)/],
    ['an arrow without a name', 'm.hidden.anonymous()', /\(anonymous\) is not exported by .*inline\(fn\)/],
    ['a method of instances', 'm.Job.prototype.run', /looks like a method/],
  ])('refuses %s', (_title, expression, message) => {
    expect(parent(esm, expression).error).toMatchObject({
      code: 'ERR_FORKFUL_FUNCTION_REFERENCE',
      message: expect.stringMatching(message),
    });
  });

  test('a closure that is not exported never becomes its exported sibling', () => {
    const { reference } = parent(esm, 'm.hidden.quadruple()');
    expect(run(reference, 1).error?.message).toMatch(
      /exports no function "quadruple"; it exports .*thrice, twice/,
    );
  });

  test('what turns out not to be exported is the error of the child', () => {
    const { reference } = parent(esm, 'm.hidden.captured()');
    expect(run(reference).error?.message).toMatch(
      /does not export the function "captured": export it, .*; it exports/,
    );
  });
});

describe('modules that are not what they were', () => {
  let scratch: string;
  beforeEach(() => {
    scratch = mkdtempSync(join(tmpdir(), 'forkful-function-ref-'));
  });
  afterEach(() => {
    rmSync(scratch, { recursive: true });
  });

  test('a function whose text has changed', () => {
    const module = join(scratch, 'work.mjs');
    writeFileSync(module, 'export const work = () => 1;');
    const { reference } = parent(pathToFileURL(module), 'm.work');
    expect(run(reference)).toEqual({ result: 1 });
    writeFileSync(module, 'export const work = () => 2;');
    expect(run(reference).error?.message).toMatch(/"work" of .* differs from the parent's/);
  });

  test('several functions of one text', () => {
    const module = join(scratch, 'work.mjs');
    writeFileSync(module, 'const f = () => 1, g = () => 1; export { f as a, g as b };');
    const { reference } = parent(pathToFileURL(module), 'm.a');
    expect(run(reference).error?.message).toMatch(/several functions with the text of "f": "a", "b";/);
  });

  test.each(['cjs.js', 'esm.mjs'])('%s by a symbolic link', (name) => {
    cpSync(fixture(name), join(scratch, name));
    symlinkSync(join(scratch, name), join(scratch, `link-${name}`));
    const module = pathToFileURL(join(scratch, `link-${name}`));
    expect(there(module, 'm.add', 1, 2)).toBe(3);
    expect(run(referTo(ref(module, 'add')), 1, 2)).toEqual({ result: 3 });
  });

  test.each(['throwing.js', 'throwing.mjs'])('%s: the error is the cause', (name) => {
    expect(run(referTo(ref(url(name), 'f'))).error).toMatchObject({
      code: 'ERR_FORKFUL_FUNCTION_REFERENCE',
      message: expect.stringMatching(/failed to load in the child process: no such luck/),
      cause: 'no such luck',
    });
  });

  test('a module that is not there', () => {
    expect(run(referTo(ref(url('absent.mjs'), 'f'))).error?.message).toMatch(
      /absent\.mjs failed to load .*Cannot find module/,
    );
  });
});

describe('ref and refs', () => {
  test('name functions of modules that are not loaded', () => {
    const work = refs<{ add(a: number, b: number): number; default(n: number): number; version: string }>(
      url('esm.mjs'),
    );
    expect(referTo(work.add)).toEqual({ kind: 'function', module: url('esm.mjs').href, name: 'add' });
    expect(run(referTo(work.add), 1, 2)).toEqual({ result: 3 });
    expect(run(referTo(work.default), 1)).toEqual({ result: -1 });
    expect(work.add).toBe(work.add);
    expect(() => work.add(1, 2)).toThrow(/this is a reference to "add" of .*not loaded here/);
  });

  test('a promise of refs is refs', async () => {
    const work = refs<{ add(): void }>(url('esm.mjs'));
    await expect(Promise.resolve(work)).resolves.toBe(work);
  });

  test.each([
    [() => ref(fixture('cjs.js'), 'add')],
    [() => ref(url('cjs.js').href, 'add')],
    [() => ref(url('cjs.js'), 'default.add')],
    [() => ({ module: url('cjs.js'), name: 'add' })],
    [() => ({ module: fixture('cjs.js'), name: 'add' })],
  ])('every way to name a CommonJS export: %#', (make) => {
    expect(run(referTo(make()), 1, 2)).toEqual({ result: 3 });
  });

  test('of packages and built-in modules', () => {
    expect(referTo(ref('path', 'join'))).toMatchObject({ module: 'node:path' });
    expect(referTo(ref('typescript', 'transpile'))).toMatchObject({
      module: expect.stringMatching(/^file:.*typescript/),
    });
    expect(() => ref('@acme/tasks', 'f')).toThrow(/"@acme\/tasks" cannot be found from .*installed/);
  });

  test('a missing export names those that there are', () => {
    expect(run(referTo(ref(url('cjs.js'), 'ad'))).error?.message).toMatch(
      /exports no function "ad"; it exports .*add, renamed/,
    );
    expect(run(referTo(ref(url('default-class.mjs'), 'f'))).error?.message).toMatch(/it exports default/);
  });

  test('refuse relative modules and what is no name', () => {
    expect(() => ref('./work.js', 'f')).toThrow(
      /new URL\('\.\/work\.js', import\.meta\.url\).*require\.resolve/,
    );
    expect(() => ref(url('esm.mjs'), '')).toThrow(/expected the name of an export .*got ''/);
    expect(() => ref(url('esm.mjs'), undefined as never)).toThrow(/got undefined/);
  });
});

describe('inline', () => {
  const methods = {
    plain(n: number) {
      return n + 1;
    },
    async later(n: number) {
      return n + 2;
    },
    *['count'](n: number) {
      for (let i = 0; i < n; i++) yield i;
    },
    get accessor() {
      return 1;
    },
  };

  test.each([
    ['an arrow', (n: number) => n + 1, 4],
    ['an asynchronous arrow', async (n: number) => n + 1, 4],
    [
      'a function',
      function named(n: number): number {
        return n <= 0 ? 0 : n + named(n - 1);
      },
      6,
    ],
    ['a method', methods.plain, 4],
    ['an asynchronous method', methods.later, 5],
    ['a generator method', methods.count, [0, 1, 2]],
    [
      'built-in modules by import()',
      (n: number) => import('node:path').then((path) => path.join('a', String(n))),
      'a/3',
    ],
  ])('%s', (_title, fn, result) => {
    // swc makes something of import() that only this file has.
    const source = String(fn).replace(
      /Promise\.resolve\(\)\.then.*require\("node:path"\)\)\)/s,
      'import("node:path")',
    );
    const reference = source === String(fn) ? referTo(inline(fn)) : ({ kind: 'inline', source } as const);
    expect(run(reference, 3)).toEqual({ result });
  });

  test('still is a function here, and leaves the original alone', () => {
    expect(inline(cjs.add)(1, 2)).toBe(3);
    expect(referTo(inline(cjs.add)).kind).toBe('inline');
    expect(referTo(cjs.add).kind).toBe('function');
  });

  test('sees none of the variables around it', () => {
    const captured = 1;
    expect(run(referTo(inline(() => captured))).error?.message).toMatch(/captured is not defined/);
  });

  test('bears what tsx puts into functions', () => {
    expect(run({ kind: 'inline', source: '() => { const f = __name(() => 1, "f"); return f(); }' })).toEqual({
      result: 1,
    });
  });

  test.each([
    ['native code', Math.max],
    ['a bound function', cjs.add.bind(null)],
    ['a class', cjs.Job],
    ['an accessor', Object.getOwnPropertyDescriptor(methods, 'accessor')?.get],
    ['no function', 'x => x'],
  ])('refuses %s', (_title, fn) => {
    expect(() => inline(fn as never)).toThrow(
      expect.objectContaining({ code: 'ERR_FORKFUL_FUNCTION_REFERENCE' }),
    );
  });
});

describe('what no child could find', () => {
  test.each([
    ['nothing', undefined, /got undefined; is it imported under the right name\?/],
    ['null', null, /expected a function .* got null/],
    ['a text', 'work', /got string/],
    [
      'an object without run()',
      { walk() {} },
      /object with a run\(\) method, got an object without one \(its keys: walk\)/,
    ],
    ['a class', cjs.Job, /"Job" is a class, .* an object of it that has a run\(\) method/],
    [
      'a function that is not exported',
      cjs.hidden(),
      /"unexported" is not exported by .*cjs\.js: export it; .*inline\(fn\)/,
    ],
    [
      'a closure',
      cjs.multiplyBy(3),
      /"product" is not exported .* variables of the code around it \(Closure \(multiplyBy\)\)/,
    ],
    ['a method', cjs.Counter.prototype.increment, /"increment" is not exported .* looks like a method/],
    ['a bound function', cjs.add.bind(null, 1), /"bound add" is native or bound/],
    ['native code', Math.max, /"max" is native or bound/],
    ['an object of an unexported class', cjs.hiddenJob(), /the class "Hidden" is not exported/],
    ['an unexported object with run()', { run: cjs.add }, /the object with run\(\) is not exported/],
    ['code of eval', (0, eval)('(function evaluated() {})'), /"evaluated" is not defined in a file/],
    ['code of a vm', runInNewContext('(function foreign() {})'), /"foreign" is not defined in a file/],
  ])('%s', (_title, target, message) => {
    expect(refusal(target)).toMatch(message);
  });

  test.each([
    ['-e', '[eval]', ''],
    [
      '--input-type=module -e',
      '[eval1]',
      `import { createRequire } from 'node:module'; const require = createRequire('${directory}/');`,
    ],
  ])('code of node %s', (flags, place, prelude) => {
    const code = `${prelude}
      const { referTo } = require('${join(__dirname, '../dist/function-ref')}');
      try {
        referTo(function work() {});
      } catch ({ message }) {
        console.log(JSON.stringify({ error: { message } }));
      }`;
    const { error } = node(...flags.split(' '), code);
    expect(error?.message).toMatch(/"work" is not defined in a file/);
    expect(error?.message).toContain(place);
  });

  test('a built-in function of an internal module is found by what exports it', () => {
    expect(referTo(randomBytes)).toEqual({
      kind: 'function',
      module: 'node:crypto',
      name: 'randomBytes',
    });
  });
});
