import { chownSync, closeSync, openSync, readSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { thrown } from './contract/methods';

/** Where the files are of what unrelated programs share by name. */
export const directory = `/dev/shm/forkful-${process.geteuid?.() ?? 0}`;

/** Of things of one kind: their files, and names that no other test has. */
export function namesOf(kind: string) {
  let made = 0;
  return {
    fileOf: (name: string, what = kind) => join(directory, `${what}.${name}`),
    newName: () => `test-${process.env['FORKFUL_TEST_RUN'] ?? ''}-${kind}s-${process.pid}-${made++}`,
  };
}

/** Whether files can be given to somebody else. */
export const isRoot = process.geteuid?.() === 0;

/** Whoever opens what is another user's is refused. */
export function expectForeignRefused(file: string, open: () => unknown): void {
  chownSync(file, 1, 1);
  expect(thrown(open).code).toBe('ERR_FORKFUL_UNSUPPORTED');
  chownSync(file, 0, 0);
}

/** Whoever opens it is refused when one of these bits is another one. */
export function expectFlippedRefused(
  file: string,
  bits: readonly (readonly [at: number, bit: number])[],
  open: () => unknown,
): void {
  const fd = openSync(file, 'r+');
  for (const [at, bit] of bits) {
    const byte = Buffer.alloc(1);
    readSync(fd, byte, 0, 1, at);
    writeSync(fd, Buffer.from([byte[0]! ^ bit]), 0, 1, at);
    expect(thrown(open).code).toBe('ERR_FORKFUL_CORRUPT');
    writeSync(fd, byte, 0, 1, at);
  }
  closeSync(fd);
}
