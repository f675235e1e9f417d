import { decide } from '../dist/backend/decide';
import { inheritable } from '../dist/backend/surroundings';
import { exitCodeOf, signalNumber, variableName } from '../dist/platform';

/** What Node knows of signals on Windows. */
const WINDOWS = {
  SIGHUP: 1,
  SIGINT: 2,
  SIGILL: 4,
  SIGABRT: 22,
  SIGFPE: 8,
  SIGKILL: 9,
  SIGSEGV: 11,
  SIGTERM: 15,
  SIGBREAK: 21,
};
const MACOS = { SIGHUP: 1, SIGKILL: 9, SIGBUS: 10, SIGSEGV: 11, SIGTERM: 15, SIGSTOP: 17, SIGUSR1: 30 };

test('exit codes: minus the signal as this system numbers it; 32 bits; 255 for a signal without a number', () => {
  expect(exitCodeOf({ exitCode: null, signal: 'SIGTERM' }, WINDOWS)).toBe(-15);
  expect(exitCodeOf({ exitCode: null, signal: 'SIGBUS' }, MACOS)).toBe(-10);
  expect(exitCodeOf({ exitCode: null, signal: 'SIGBUS' }, WINDOWS)).toBe(255);
  expect(exitCodeOf({ exitCode: 0xc0000005, signal: null }, WINDOWS)).toBe(3221225477);
  expect(exitCodeOf({ exitCode: 3, signal: null })).toBe(3);
});

test('signals that a system does not know', () => {
  expect(signalNumber('SIGSTOP', WINDOWS)).toBeUndefined();
  expect(signalNumber('SIGSTOP', MACOS)).toBe(17);
  expect(signalNumber('SIGKILL')).toBe(9);
});

test('variables: Windows does not tell cases apart', () => {
  const env = { Path: 'C:\\bin', node_channel_fd: '3', NODE_UNIQUE_ID: '1', EMPTY: undefined };
  expect(inheritable(env, 'win32')).toEqual([['Path', 'C:\\bin']]);
  expect(inheritable(env, 'darwin')).toEqual([
    ['Path', 'C:\\bin'],
    ['node_channel_fd', '3'],
  ]);
  expect(variableName('Path', 'win32')).toBe(variableName('PATH', 'win32'));
  expect(variableName('Path', 'linux')).not.toBe(variableName('PATH', 'linux'));
});

test.each(['darwin', 'win32', 'freebsd', 'aix'])(
  '%s has the backend of pure Node, and says why',
  (platform) => {
    const decision = decide({
      platform,
      arch: 'x64',
      napi: '10',
      env: {},
      fixed: undefined,
      inherited: undefined,
      loadAddon: () => {
        throw new Error('the addon must not be loaded');
      },
      maps: () => '',
    });
    expect(decision).toMatchObject({
      name: 'child_process',
      reason: `the addon is for Linux, and this is ${platform}`,
    });
  },
);
