import * as options from '../dist/options';
import { InvalidArgumentError } from '../dist/errors';

function message(check: () => unknown): string {
  try {
    check();
  } catch (error) {
    expect(error).toBeInstanceOf(InvalidArgumentError);
    return (error as Error).message;
  }
  throw new Error('expected an error');
}

const NAME = 'Process option "x"';

test.each<[string, () => unknown, string]>([
  [
    'flag',
    () => options.flag('Process option "daemon"', 'yes'),
    'Process option "daemon" must be a boolean, got string ("yes")',
  ],
  [
    'integer from',
    () => options.integer(NAME, 1.5, 0),
    `${NAME} must be an integer of at least 0, got number (1.5)`,
  ],
  [
    'integer range',
    () => options.integer(NAME, 9, 1, 8),
    `${NAME} must be an integer from 1 to 8, got number (9)`,
  ],
  [
    'integer NaN',
    () => options.integer(NAME, NaN, 0),
    `${NAME} must be an integer of at least 0, got number (NaN)`,
  ],
  [
    'integer bigint',
    () => options.integer(NAME, 1n, 0),
    `${NAME} must be an integer of at least 0, got bigint (1)`,
  ],
  ['timeout', () => options.timeout(NAME, '5'), `${NAME} must be a number of milliseconds, got string ("5")`],
  [
    'timeout NaN',
    () => options.timeout(NAME, NaN),
    `${NAME} must be a number of milliseconds, got number (NaN)`,
  ],
  ['text', () => options.text(NAME, null), `${NAME} must be a string, got null`],
  ['texts', () => options.texts(NAME, ['a', 1]), `${NAME}[1] must be a string, got number (1)`],
  ['list', () => options.list(NAME, {}), `${NAME} must be an array, got object`],
  ['oneOf', () => options.oneOf(NAME, 'c', ['a', 'b']), `${NAME} must be one of 'a', 'b', got string ("c")`],
  ['callback', () => options.callback(NAME, undefined), `${NAME} must be a function, got undefined`],
  ['signal', () => options.abortSignal(NAME, {}), `${NAME} must be an AbortSignal, got object`],
  ['record', () => options.record('Pool options', [], ['a']), 'Pool options must be an object, got an array'],
  ['got a function', () => options.text(NAME, parseInt), `${NAME} must be a string, got function parseInt`],
  [
    'got a long string',
    () => options.flag(NAME, 'a'.repeat(99)),
    `${NAME} must be a boolean, got string ("${'a'.repeat(40)}…")`,
  ],
])('%s says what was expected and what came', (_name, check, expected) => {
  expect(message(check)).toBe(expected);
});

test('what is right comes back', () => {
  expect(options.integer(NAME, 3, 1, 3)).toBe(3);
  expect(options.text(NAME, '')).toBe('');
  expect(options.flag(NAME, false)).toBe(false);
  expect(options.oneOf(NAME, 'b', ['a', 'b'])).toBe('b');
  expect(options.callback(NAME, parseInt)).toBe(parseInt);
  expect(options.record('Pool options', undefined, ['a'])).toEqual({});
});

test('a timeout waits for ever without a value and polls with a negative one', () => {
  expect(options.timeout(NAME, undefined)).toBe(Infinity);
  expect(options.timeout(NAME, Infinity)).toBe(Infinity);
  expect(options.timeout(NAME, -1)).toBe(0);
  expect(options.timeout(NAME, 0)).toBe(0);
});

test('wait options', () => {
  const { signal } = new AbortController();
  expect(options.waitOptions('get', undefined)).toEqual({ timeout: Infinity, signal: undefined });
  expect(options.waitOptions('get', { timeout: 5, signal })).toEqual({ timeout: 5, signal });
  expect(message(() => options.waitOptions('get', { timeout: 'soon' } as never))).toContain(
    'get option "timeout"',
  );
});

test.each([
  ['deamon', '(did you mean "daemon"?)'],
  ['DAEMON', '(did you mean "daemon"?)'],
  ['arg', '(did you mean "args"?)'],
])('an unknown option %s names the nearest known one', (key, hint) => {
  expect(message(() => options.record('Process options', { [key]: 1 }, ['target', 'args', 'daemon']))).toBe(
    `Process options has no "${key}" ${hint}; it has "target", "args", "daemon"`,
  );
});

test('an unknown option that resembles none lists all', () => {
  expect(message(() => options.record('Process options', { zzz: 1 }, ['target', 'args']))).toBe(
    'Process options has no "zzz"; it has "target", "args"',
  );
});
