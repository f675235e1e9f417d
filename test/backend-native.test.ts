import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { join } from 'node:path';

const require_ = createRequire(__filename);
const fixture = require_.resolve('./fixtures/backends.js');
const nativeTests = join(__dirname, '..', 'build', 'Release', 'native_tests');

/** Runs a program with the library; its last line is JSON. */
function run(code: string, launcher: string[] = [], env: Record<string, string> = {}) {
  const [command = '', ...args] = [...launcher, process.execPath, '-e', code];
  const { stdout, stderr, status } = spawnSync(command, args, {
    env: { ...process.env, ...env },
    encoding: 'utf8',
    timeout: 25_000,
  });
  const result = stdout === '' ? null : (JSON.parse(stdout) as { name: string; reason: string });
  return { result, stderr, status, warnings: stderr.split('[FORKFUL_BACKEND] ForkfulWarning').length - 1 };
}

const tell = `process.stdout.write(JSON.stringify(require('node:module').createRequire(${JSON.stringify(fixture)})('forkful').backend()))`;

test('the addon is what a program gets here', () => {
  expect(run(tell)).toEqual({
    result: {
      name: 'native',
      startMethod: 'forkserver',
      reason: "the addon is loaded; 'forkserver' is the default",
    },
    stderr: '',
    status: 0,
    warnings: 0,
  });
});

test('so do its threads, its children and theirs, by any start method, whatever their environment says', () => {
  const code = `require(${JSON.stringify(fixture)}).everywhere(2, { ...process.env, FORKFUL_BACKEND: 'child_process' })
    .then((names) => process.stdout.write(JSON.stringify(names)))`;
  expect(run(code)).toMatchObject({ result: ['native', 'native is loaded'], stderr: '', status: 0 });
});

test('a child that may not load the addon says why', () => {
  const code = `
    const { Process } = require('node:module').createRequire(${JSON.stringify(fixture)})('forkful').getContext('spawn');
    const child = new Process({ target: require(${JSON.stringify(fixture)}).name, execArgv: ['--no-addons'] });
    child.start().then(() => child.result()).catch((error) => process.stdout.write(JSON.stringify({ name: error.code })));`;
  const { result, stderr } = run(code);
  expect(result).toEqual({ name: 'ERR_FORKFUL_PROCESS_EXIT' });
  expect(stderr).toMatch(
    /UnsupportedError: .*the process that started this one uses, but this process may not load/,
  );
});

test.each([
  ['memfd_create', 'memfd_create'],
  ['get_robust_list', 'get_robust_list'],
  ['pidfd_open', 'pidfd_open or pidfd_send_signal'],
])('a sandbox refuses %s: the other backend, with the reason and one warning', (call, named) => {
  const { result, status, warnings } = run(tell, [nativeTests, 'deny', call]);
  expect(result).toMatchObject({
    name: 'child_process',
    reason: expect.stringContaining(`refuses what the addon needs: ${named}: Operation not permitted`),
  });
  expect({ status, warnings }).toEqual({ status: 0, warnings: 1 });
});

test('too few addresses for the rings: the other backend', () => {
  const { result, status } = run(tell, ['prlimit', `--as=${20 * 2 ** 30}`]);
  expect(result).toMatchObject({
    name: 'child_process',
    reason: expect.stringContaining('mmap of 32 GiB of addresses: Cannot allocate memory'),
  });
  expect(status).toBe(0);
});

test('the choice of a program that asks for the addon and has it', () => {
  expect(run(tell, [], { FORKFUL_BACKEND: 'native' })).toMatchObject({
    result: { name: 'native' },
    stderr: '',
    status: 0,
  });
});

test('no descriptors left for the handles of a message: it stays, and comes when there are some again', () => {
  const code = `
    const { Queue, Event } = require('node:module').createRequire(${JSON.stringify(fixture)})('forkful');
    const queue = new Queue();
    const event = new Event();
    for (let i = 0; i < 200; i++) queue.putSync({ i, event });
    const held = [];
    let failure;
    try {
      for (;;) held.push(queue.getNowait().event);
    } catch (error) {
      failure = error.code;
    }
    const first = held.length;
    const before = queue.qsize() + first;
    for (const each of held.splice(0)) each.close();
    let next = first;
    for (; !queue.empty(); next++) {
      const { i, event } = queue.getNowait();
      if (i !== next) throw new Error(i + ' instead of ' + next);
      event.close();
    }
    process.stdout.write(JSON.stringify({ failure, before, next, any: first > 10 }));`;
  expect(run(code, ['sh', '-c', 'ulimit -n 100; exec "$@"', 'sh'])).toMatchObject({
    result: { failure: 'ERR_FORKFUL_DESCRIPTORS', before: 200, next: 200, any: true },
    stderr: '',
    status: 0,
  });
});
