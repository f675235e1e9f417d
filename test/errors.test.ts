import * as errors from '../dist/errors';

type ErrorClass = new (message: string, details?: object) => errors.ForkfulError;
const classes = Object.entries(errors).filter(([name]) => name !== 'ForkfulError') as [string, ErrorClass][];

test.each(classes)('%s has its name, its cause and where it was made', (name, Class) => {
  const cause = new Error('why');
  const error = new Class('what', { cause });
  expect(error).toBeInstanceOf(errors.ForkfulError);
  expect(error).toBeInstanceOf(Error);
  expect(error.name).toBe(name);
  expect(error.message).toBe('what');
  expect(error.cause).toBe(cause);
  expect(error.stack).toContain('errors.test');
  expect(Object.hasOwn(new Class('what'), 'cause')).toBe(false);
});

test('codes are unique', () => {
  const codes = classes.map(([, Class]) => new Class('').code);
  expect(new Set(codes).size).toBe(codes.length);
  for (const code of codes) expect(code).toMatch(/^ERR_FORKFUL_[A-Z_]+$/);
});

test('fields', () => {
  const lost = new errors.WorkerLostError('gone', {
    pid: 7,
    exitCode: -9,
    signal: 'SIGKILL',
    task: 'resize',
  });
  expect(lost).toBeInstanceOf(errors.ProcessExitError);
  expect(lost).toMatchObject({ pid: 7, exitCode: -9, signal: 'SIGKILL', task: 'resize' });
  expect(new errors.SerializationError('no', { path: 'args[0]' }).path).toBe('args[0]');
  expect(new errors.LaunchError('no', { errno: 'EAGAIN' }).errno).toBe('EAGAIN');
});
